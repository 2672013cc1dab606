"""Keep installed packages as they are, to put them back without an index of packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class PipFailed(Exception):
    """pip did not do what it was asked. Its output is on the terminal."""


def pip(*arguments: str) -> None:
    """Run pip in this environment. Raises PipFailed."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, check=False).returncode:
        raise PipFailed(" ".join(arguments))


class FormerPackages:
    """A package with all that it may need, as installed when this was made."""

    def __init__(self, name: str, folder: Path) -> None:
        """`folder`: an empty one on the same file system, for hard links to the files."""
        self._folder = folder
        self._versions = _installed_with(name)
        self._name = name
        for known in self._versions:
            self._keep(known)

    def changed(self) -> dict[str, str]:
        """Name → former version, "" for what was not installed, of all that differs now."""
        now = _installed_with(self._name) | {
            name: _version(name) for name in self._versions if _version(name)
        }
        names = sorted(self._versions.keys() | now.keys())
        before = {name: self._versions.get(name, "") for name in names}
        return {name: before[name] for name in names if before[name] != now.get(name, "")}

    def restore(self) -> None:
        """Put back every package that differs now. Raises PipFailed."""
        changed = self.changed()
        if present := [name for name in changed if _version(name)]:
            pip("uninstall", "--quiet", "--yes", *present)
        for name in filter(changed.get, changed):
            for kept in filter(Path.is_file, (self._folder / name).rglob("*")):
                target = Path(sys.prefix) / kept.relative_to(self._folder / name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.unlink(missing_ok=True)
                _link(kept, target)

    def _keep(self, name: str) -> None:
        """Only files of this environment: pip changes no other."""
        for file in metadata.distribution(name).files or ():
            path = Path(os.path.normpath(str(file.locate())))
            if path.is_file() and path.is_relative_to(sys.prefix):
                target = self._folder / name / path.relative_to(sys.prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                _link(path, target)


@contextmanager
def former_packages(name: str) -> Iterator[FormerPackages]:
    """Keep the package's files until the block ends."""
    folder = Path(sys.prefix) / f".former-{name}"
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    folder.mkdir()
    try:
        yield FormerPackages(name, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _installed_with(name: str) -> dict[str, str]:
    """The versions of the package and of everything installed that it or its extras name, and so
    on: more than it needs, never less."""
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        one = _canonical(waiting.pop())
        if one not in found and (version := _version(one)):
            found[one] = version
            required = metadata.requires(one) or ()
            waiting += [match[0] for line in required if (match := _NAME.match(line))]
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # no hard links here, or of another user's file
        shutil.copy2(path, target)
