"""Find the source that a text names: YouTube videos, or a file on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from core.errors import FileEmpty, NotALink, NotMedia
from core.links import find_video_ids
from core.model import FILE_ID, Video

SUBTITLES = (".srt", ".vtt")
_ID_DIGITS = 32
"""128 bits. Two files that share 44, as in earlier releases, were found in half a minute."""


@dataclass(frozen=True, slots=True)
class Link:
    """A video on YouTube."""

    video_id: str


@dataclass(frozen=True, slots=True)
class File:
    """Audio, video or subtitles on this machine. `sent_as`: the name that people know it by, where
    that is not the path's."""

    path: Path
    sent_as: str = ""

    @property
    def name(self) -> str:
        return self.sent_as or self.path.name

    @property
    def is_subtitles(self) -> bool:
        return self.path.suffix.lower() in SUBTITLES


Source = Link | File


def find_sources(text: str) -> list[Source]:
    """Return the file that `text` names, or else the links in it. Raises NotALink."""
    if is_file(text):
        return [File(Path(text))]
    if ids := find_video_ids(text):
        return [Link(video_id) for video_id in ids]
    raise NotALink(text[:200])


def is_file(text: str) -> bool:
    """Return whether `text` is the path of an existing file."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        return False


def file_video(source: File) -> Video:
    """Describe the file as a video, named. Its id is a hash of its bytes, the same under any name.

    Blocks while reading. Raises FileEmpty, NotMedia."""
    try:
        with source.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if source.path.stat().st_size == 0:
            raise FileEmpty(source.name)
    except OSError as error:
        raise NotMedia(source.name) from error
    return Video(f"{FILE_ID}{digest[:_ID_DIGITS]}", "").named(source.name)
