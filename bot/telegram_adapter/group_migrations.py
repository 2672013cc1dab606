"""This file remembers groups that became supergroups: Telegram gives them another id, and what a
group knows must stay its own."""

from __future__ import annotations

import json
import logging
from pathlib import Path

log = logging.getLogger(__name__)

FILE = "telegram-moves.json"


class GroupMigrations:
    """Kept in a file of `folder`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._new: dict[int, int] = self._read()
        self._old = {new: old for old, new in self._new.items()}

    def current_id(self, chat: int) -> int:
        """Where the chat is now."""
        return self._new.get(chat, chat)

    def original_id(self, chat: int) -> int:
        """Under which id we met it."""
        return self._old.get(chat, chat)

    def record(self, old: int, new: int) -> None:
        if self._new.get(old) == new:
            return
        self._new[old] = new
        self._old[new] = old
        kept = {str(old): new for old, new in self._new.items()}
        try:
            written = self._path.with_suffix(".new")  # a kill leaves the old ones or the new ones
            written.write_text(json.dumps(kept))
            written.replace(self._path)
        except OSError as error:  # Telegram will tell us again
            log.warning("a group's new id was not stored: %s", error)

    def _read(self) -> dict[int, int]:
        try:
            kept = json.loads(self._path.read_text())
            return {int(old): int(new) for old, new in kept.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError) as error:
            log.warning("the groups' new ids could not be read: %s", error)
            return {}
