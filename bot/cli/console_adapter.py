"""This file is a terminal as a chat platform: messages are lines, and only the last can change."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import TextIO

from rich.cells import cell_len

from bot.chat import Draft, Refused, TooOld, Upload
from core.export.document import Plain
from core.text.display import one_line, printable


class Console:
    """Fulfils `Chat` on a stream to which nobody else writes.

    Where it cannot change what is written, a log or a pipe, an edit is one more line."""

    name = "console"
    deduplicates = False
    localised_commands = False
    text_limit = card_limit = 1_000_000
    style = Plain()

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream  # borrowed
        self._is_screen = stream.isatty()
        self.edit_interval_s = 0.1 if self._is_screen else 5.0
        self._ids = map(str, count(1))
        self._last = ("", "")
        """The message that stands last, and its text."""

    async def post(self, place: str, draft: Draft, key: str) -> str:
        message_id = next(self._ids)
        self._write(message_id, _lines(draft))
        return message_id

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        last, text = self._last
        above = ""
        if self._is_screen:
            columns, rows = _size(self._stream)
            height = sum(max(1, -(-cell_len(line) // columns)) for line in text.splitlines())
            if message_id != last or height >= rows:
                raise TooOld
            above = f"\x1b[{height}A\x1b[J"
        self._write(message_id, _lines(draft), above)

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        """A terminal is one conversation."""
        return place

    async def rename_thread(self, thread: str, title: str) -> None:
        """It has no name."""

    async def show_typing(self, place: str) -> None:
        """Text itself shows it."""

    async def preview(self, place: str, draft: Draft, key: str) -> bool:
        return False

    async def download(self, upload: Upload, target: Path) -> None:
        raise Refused("nobody sends files here")

    def length(self, text: str) -> int:
        return len(text)

    def _write(self, message_id: str, text: str, before: str = "") -> None:
        self._last = message_id, text
        self._stream.write(before + text)
        self._stream.flush()


def _lines(draft: Draft) -> str:
    buttons = [f"{n}. {one_line(button.label)}" for n, button in enumerate(draft.buttons, 1)]
    file = [f"{one_line(draft.file.name)}\n{printable(draft.file.text)}"] if draft.file else []
    blocks = [printable(draft.text), "\n".join(buttons), *file]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _size(stream: TextIO) -> tuple[int, int]:
    """Columns and rows."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except OSError:
        return 80, 24
    return max(size.columns, 1), max(size.lines, 1)
