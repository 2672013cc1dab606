"""This file keeps what people sent as files until what they asked for with it is done."""

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
"""Disks take 255."""
TRIES = 5
LONGEST_PAUSE_S = 20.0

_ODD = re.compile(r"[^\w .()\[\]-]")


class Uploads:
    """One platform's, in `folder`, a data folder."""

    def __init__(self, chat: Chat, folder: Path) -> None:
        self._chat = chat  # borrowed
        self._folder = folder / FOLDER / chat.name

    async def fetch(self, request: WatchRequest) -> Path:
        """Where the request's file lies. May be asked for again at any time.

        Raises FileTooLarge, DownloadFailed."""
        target = self._of(request) / _safe(request.file_name)
        if not target.exists():
            part = target.with_name(".part")
            part.parent.mkdir(parents=True, exist_ok=True)
            await self._download(Upload(request.file_id, request.file_name), part)
            part.rename(target)
        return target

    async def drop(self, request: WatchRequest) -> None:
        await asyncio.to_thread(shutil.rmtree, self._of(request), ignore_errors=True)

    async def tidy(self, undone: Iterable[Request]) -> None:
        """Leaves only what these need."""
        needed = {self._of(request) for request in undone}
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
                log.info("a file is not handed out: %s", error)
                raise FileTooLarge(upload.name, MEGABYTES) from error
        raise DownloadFailed("the platform is away")

    def _of(self, request: Request) -> Path:
        return self._folder / hashlib.sha256(request.id.encode()).hexdigest()[:16]


def _safe(name: str) -> str:
    """A name for any disk, with its suffix.

    >>> _safe("../a/b?.mp3")
    '_a_b_.mp3'
    """
    end = _ODD.sub("_", name).encode()[-NAME_BYTES:].decode(errors="ignore")
    return end.strip(" .") or "file"
