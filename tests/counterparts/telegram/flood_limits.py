"""Limit messages as Telegram does: one per second in a chat, twenty per minute in a group, thirty
per second overall (https://core.telegram.org/bots/faq). Telegram does not document its limits
exactly and tolerates short bursts; here they are strict."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

IN_A_CHAT, IN_A_GROUP, OVERALL = 1, 20, 30
_COUNTED = ("send", "edit", "copy", "forward", "createForumTopic")
_FREE = ("sendChatAction", "sendMessageDraft", "editForumTopic", "editGeneralForumTopic")
"""Count only against the overall limit: a draft is not a message, and limits for these are
undocumented."""


@dataclass
class Flood:
    """The flood limits. Shorter windows keep the limits with less waiting."""

    now: Callable[[], float]
    chat_s: float = 1.0
    group_s: float = 60.0
    overall_s: float = 1.0
    _chats: dict[int, deque[float]] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=lambda: deque(maxlen=OVERALL))

    def wait_s(self, method: str, chat: int) -> int:
        """Seconds that the bot must wait, rounded up; 0 if the call is allowed, which counts it."""
        if not method.startswith(_COUNTED):
            return 0
        now, sent = self.now(), self._chats.setdefault(chat, deque(maxlen=IN_A_GROUP))
        waits = [_wait(self._all, OVERALL, self.overall_s, now)]
        if method not in _FREE:
            waits.append(_wait(sent, IN_A_CHAT, self.chat_s, now))
            if chat < 0:
                waits.append(_wait(sent, IN_A_GROUP, self.group_s, now))
        if max(waits) > 0:
            return max(1, math.ceil(max(waits)))
        self._all.append(now)
        if method not in _FREE:
            sent.append(now)
        return 0

    def forget(self) -> None:
        """Forget every counted message."""
        self._chats.clear()
        self._all.clear()


def _wait(sent: deque[float], most: int, window_s: float, now: float) -> float:
    if len(sent) < most:
        return 0.0
    return sent[-most] + window_s - now
