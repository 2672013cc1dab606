"""This file is `make pictures`: the README's pictures, from messages that the bot really sends.

Needs a Chromium: `apt install chromium`, or its path in CHROMIUM.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fakes.discord.server import DiscordServer
from tests.pictures.page import page
from tests.pictures.scene import play

DOCS = Path(__file__).resolve().parents[2] / "docs"
WIDTH, SCALE = 720, 1.4


def main() -> int:
    DOCS.mkdir(exist_ok=True)
    with DiscordServer(window_s=0.2) as platform, tempfile.TemporaryDirectory() as folder:
        scene = asyncio.run(play(platform, Path(folder)))
        summary = page([scene.link, scene.summary], scene.names, scene.thread)
        answer = page([scene.question, scene.answer], scene.names)
        draw(summary, DOCS / "discord-summary.png", Path(folder))
        draw(answer, DOCS / "discord-answer.png", Path(folder))
    return 0


def draw(html: str, target: Path, folder: Path) -> None:
    """As Chromium shows it, as high as it is."""
    there = folder / "page.html"
    there.write_text(html, encoding="utf-8")
    height = re.search(r"<title>(\d+)</title>", _chromium(there, "--dump-dom", height=100))
    assert height, "the page tells its height in its title"
    _chromium(there, f"--screenshot={target}", height=int(height[1]))


def _chromium(page: Path, *wanted: str, height: int) -> str:
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    size = [f"--window-size={WIDTH},{height}", f"--force-device-scale-factor={SCALE}"]
    command = [os.environ.get("CHROMIUM", "chromium"), *flags, *size, *wanted, f"file://{page}"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return ran.stdout


if __name__ == "__main__":
    sys.exit(main())
