"""Download the files that people send on one platform, once, until their request is done."""

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
from bot.handlers.upload_files import UploadFiles
from core.chat_records import Request, WatchRequest
from core.errors import DownloadFailed, FileTooLarge

log = logging.getLogger(__name__)

FOLDER = "uploads"
MEGABYTES = 20
"""Telegram's limit."""
TRIES = 5
LONGEST_PAUSE_S = 20.0
NAME_BYTES = 200
"""Longest shown name of a file, which is part of every link into it."""

_UNSAFE = re.compile(r"[^\w .()\[\]-]")


class Uploads:
    """The files sent on one platform. `folder`: the data folder."""

    def __init__(self, chat: Chat, folder: Path) -> None:
        self._chat = chat  # borrowed
        self._files = UploadFiles(folder / FOLDER)
        self._old_folder = folder / FOLDER / chat.name
        """Where earlier releases kept a folder per request, which its job may still read."""

    async def fetch(self, request: WatchRequest) -> Path:
        """Download the request's file, unless it is there already, and return its path.

        Raises FileTooLarge, DownloadFailed."""
        user = self._user(request)
        if path := await asyncio.to_thread(self._files.find, user):
            return path
        part = self._files.new_part(self._chat.name)
        try:
            await self._download(Upload(request.file_id, request.file_name), part)
            return await asyncio.to_thread(self._files.add, user, part, request.file_name)
        finally:
            part.unlink(missing_ok=True)

    async def delete(self, request: WatchRequest) -> None:
        """Delete the request's file unless another request uses it."""
        await asyncio.to_thread(self._files.release, self._user(request))
        old = self._old_folder / _digest(request)
        await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)

    async def delete_all_but(self, unfinished: Iterable[Request]) -> None:
        """Delete the files that none of these requests, the platform's, needs, nor another
        platform's."""
        needed = {_digest(request) for request in unfinished}
        users = {f"{self._chat.name}-{digest}" for digest in needed}
        await asyncio.to_thread(self._files.release_all_but, self._chat.name, users)
        for old in self._old_folder.glob("*"):
            if old.name not in needed:
                await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)

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

    def _user(self, request: WatchRequest) -> str:
        return f"{self._chat.name}-{_digest(request)}"


def safe_name(name: str) -> str:
    """A name as any file system would take it, with its suffix.

    >>> safe_name("../a/b?.mp3")
    '_a_b_.mp3'
    """
    end = _UNSAFE.sub("_", name).encode()[-NAME_BYTES:].decode(errors="ignore")
    return end.strip(" .") or "file"


def _digest(request: Request) -> str:
    return hashlib.sha256(request.id.encode()).hexdigest()[:16]
