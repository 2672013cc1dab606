"""Files that people sent, each kept once for all who use it.

The folder holds `files/NAME`, and for each user, a request that is not done, `users/USER` with the
name in it. These are counted, so that no crash can lose count. A name is a keyed hash of the
content: nobody who sends a file that names others, such as a playlist, can guess it (#12).
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import secrets
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.sources import SUBTITLES

_KEY_BYTES = 32
_NAME_DIGITS = 32
"""128 bits."""


class UploadFiles:
    """The files of all platforms. Every method blocks; processes wait for each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files, self._users = folder / "files", folder / "users"

    def find(self, user: str) -> Path | None:
        """Return the user's file if there is one."""
        marker = self._users / user
        path = self._files / marker.read_text() if marker.is_file() else self._files
        return path if path.is_file() else None

    def new_part(self, platform: str) -> Path:
        """Return where a download may be written, for `add`."""
        part = self._parts(platform) / secrets.token_hex(16)
        part.parent.mkdir(parents=True, exist_ok=True)
        return part

    def add(self, user: str, part: Path, name: str) -> Path:
        """Keep the downloaded file for the user, who called it `name`, and return its path."""
        with self._locked():
            kept = self._files / self._name_of(part, name)
            # Before the file: a kill in between leaves a user without a file, not a file for good.
            (self._users / user).write_text(kept.name)
            part.replace(kept)
            return kept

    def release(self, user: str) -> None:
        """End the user's use; delete the file if it was the last one."""
        with self._locked():
            (self._users / user).unlink(missing_ok=True)
            self._delete_unused()

    def release_all_but(self, platform: str, users: Container[str]) -> None:
        """End the use of all others on the platform, and delete its unfinished downloads."""
        with self._locked():
            for marker in self._users.glob(f"{platform}-*"):
                if marker.name not in users:
                    marker.unlink()
            for part in self._parts(platform).glob("*"):
                part.unlink()
            self._delete_unused()

    def _delete_unused(self) -> None:
        used = {marker.read_text() for marker in self._users.iterdir()}
        for path in self._files.iterdir():
            if path.name not in used:
                path.unlink()

    def _name_of(self, part: Path, name: str) -> str:
        """Only whether it is subtitles is told by the suffix, as in the key of a job: all who send
        the same words share one job, and so must share its file."""
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        named = hmac.new(self._key(), digest, "sha256").hexdigest()[:_NAME_DIGITS]
        is_subtitles = Path(name).suffix.lower() in SUBTITLES
        return named + SUBTITLES[0] * is_subtitles

    def _key(self) -> bytes:
        path = self._folder / "key"
        if not path.exists():
            path.write_bytes(secrets.token_bytes(_KEY_BYTES))
        return path.read_bytes()

    def _parts(self, platform: str) -> Path:
        return self._folder / "parts" / platform

    @contextmanager
    def _locked(self) -> Iterator[None]:
        for folder in (self._files, self._users):
            folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
