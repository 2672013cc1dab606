"""Draw a page with Chromium, at the page's full height."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

WIDTH, SCALE = 720, 1.4
PICTURE = Path(__file__).with_name("thumbnail.svg").read_text(encoding="utf-8")
_HEIGHT = "<script>document.title = document.querySelector('main').offsetHeight</script>"


def whole(style: str, body: str) -> str:
    """Return a page that reports its height in its title."""
    return f"<!DOCTYPE html><meta charset=utf-8><style>{style}</style><main>{body}</main>{_HEIGHT}"


def draw(page: str, target: Path, folder: Path) -> None:
    """Draw a page from `whole` into `target`, using `folder` as scratch space."""
    there = folder / "page.html"
    there.write_text(page, encoding="utf-8")
    height = re.search(r"<title>(\d+)</title>", _chromium(there, "--dump-dom", height=100))
    assert height
    _chromium(there, f"--screenshot={target}", height=int(height[1]))


def _chromium(page: Path, *wanted: str, height: int) -> str:
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    size = [f"--window-size={WIDTH},{height}", f"--force-device-scale-factor={SCALE}"]
    command = [os.environ.get("CHROMIUM", "chromium"), *flags, *size, *wanted, f"file://{page}"]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return ran.stdout
