"""Files that people send: downloaded once, and kept until their request is done."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from bot.backoff import backoff_s
from bot.chat import Busy, Chat, ChatError, Upload
from core.chat_records import Request, WatchRequest
from core.errors import DownloadFailed, FileTooLarge

log = logging.getLogger(__name__)

FOLDER = "uploads"
MEGABYTES = 20
"""Telegram's limit."""
NAME_BYTES = 200
"""File systems allow 255."""
TRIES = 5
LONGEST_PAUSE_S = 20.0

_UNSAFE = re.compile(r"[^\w .()\[\]-]")


class Uploads:
    """The files sent on one platform. `folder`: the data folder."""

    def __init__(self, chat: Chat, folder: Path) -> None:
        self._chat = chat  # borrowed
        self._folder = folder / FOLDER / chat.name

    async def fetch(self, request: WatchRequest) -> Path:
        """Download the request's file, unless it is there already, and return its path.

        Raises FileTooLarge, DownloadFailed."""
        target = self._folder_of(request) / _safe_name(request.file_name)
        if not target.exists():
            part = target.with_name(".part")
            part.parent.mkdir(parents=True, exist_ok=True)
            await self._download(Upload(request.file_id, request.file_name), part)
            part.rename(target)
        return target

    async def delete(self, request: WatchRequest) -> None:
        await asyncio.to_thread(shutil.rmtree, self._folder_of(request), ignore_errors=True)

    async def delete_all_but(self, unfinished: Iterable[Request]) -> None:
        """Delete the files that none of these requests needs."""
        needed = {self._folder_of(request) for request in unfinished}
        for folder in self._folder.glob("*"):
            if folder not in needed:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _download(self, upload: Upload, part: Path) -> None:
        for attempt in range(TRIES):
            try:
                await self._chat.download(upload, part)
                return
            except Busy as busy:
                asked_s = busy.retry_after_s
                pause_s = backoff_s(attempt, LONGEST_PAUSE_S)
                await asyncio.sleep(pause_s if asked_s is None else asked_s)
            except ChatError as error:
                log.info("the platform refused a download: %s", error)
                raise FileTooLarge(upload.name, MEGABYTES) from error
        raise DownloadFailed("the platform is unreachable")

    def _folder_of(self, request: Request) -> Path:
        return self._folder / hashlib.sha256(request.id.encode()).hexdigest()[:16]


def _safe_name(name: str) -> str:
    """A name for any file system, with its suffix.

    >>> _safe_name("../a/b?.mp3")
    '_a_b_.mp3'
    """
    end = _UNSAFE.sub("_", name).encode()[-NAME_BYTES:].decode(errors="ignore")
    return end.strip(" .") or "file"
