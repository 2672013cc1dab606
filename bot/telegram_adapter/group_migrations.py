"""Remember groups that became supergroups: Telegram changes their id, the bot keeps the original
id so that the group keeps its library and conversations."""

from __future__ import annotations

import json
import logging
from pathlib import Path

log = logging.getLogger(__name__)

FILE = "telegram-moves.json"


class GroupMigrations:
    """Old and new ids of migrated groups, stored in a file in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._new: dict[int, int] = self._read()
        self._old = {new: old for old, new in self._new.items()}

    def current_id(self, chat: int) -> int:
        """Return the id that Telegram knows the chat by now."""
        return self._new.get(chat, chat)

    def original_id(self, chat: int) -> int:
        """Return the id under which the bot stores the chat."""
        return self._old.get(chat, chat)

    def record(self, old: int, new: int) -> None:
        """Remember a migration, also after a restart."""
        if self._new.get(old) == new:
            return
        self._new[old] = new
        self._old[new] = old
        kept = {str(old): new for old, new in self._new.items()}
        try:
            written = self._path.with_suffix(".new")  # replaced at once: a kill cannot damage it
            written.write_text(json.dumps(kept))
            written.replace(self._path)
        except OSError as error:  # Telegram reports the migration again
            log.warning("Group migration not stored: %s", error)

    def _read(self) -> dict[int, int]:
        try:
            kept = json.loads(self._path.read_text())
            return {int(old): int(new) for old, new in kept.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError) as error:
            log.warning("Cannot read the stored group migrations: %s", error)
            return {}
