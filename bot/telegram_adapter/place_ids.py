"""Format and parse ids of places and messages.

A place is "chat" or "chat/topic", and stays the same when the group migrates. A message's id is
"chat:number", because Telegram's numbers are unique only within a chat.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A chat, or a forum topic in it."""

    chat: int
    topic: int | None = None

    def __str__(self) -> str:
        return str(self.chat) if self.topic is None else f"{self.chat}/{self.topic}"

    @property
    def is_group(self) -> bool:
        """Telegram's ids of people are positive; those of groups and channels are negative."""
        return self.chat < 0


def read_place(place: str) -> Place:
    """
    >>> read_place("-100123/4")
    Place(chat=-100123, topic=4)
    """
    chat, _, topic = place.partition("/")
    return Place(int(chat), int(topic) if topic else None)


def message_id(chat: int, number: int) -> str:
    return f"{chat}:{number}"


def number_in(message_id: str) -> int:
    """
    >>> number_in("-100123:45")
    45
    """
    return int(message_id.rpartition(":")[2])
