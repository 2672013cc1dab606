"""Count messages as Telegram does: one a second in a chat, twenty a minute in a group,
thirty a second in all (https://core.telegram.org/bots/faq). The real limits are not told exactly
and forgive short bursts; here they are kept to the letter."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

IN_A_CHAT, IN_A_GROUP, OVERALL = 1, 20, 30
_COUNTED = ("send", "edit", "copy", "forward", "createForumTopic")
_FREE = ("sendChatAction", "sendMessageDraft", "editForumTopic", "editGeneralForumTopic")
"""A draft is no message, and what is allowed of them nobody has said: they count overall alone."""


@dataclass
class Flood:
    """The windows may be shortened: the same limits with less waiting."""

    now: Callable[[], float]
    chat_s: float = 1.0
    group_s: float = 60.0
    overall_s: float = 1.0
    _chats: dict[int, deque[float]] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=lambda: deque(maxlen=OVERALL))

    def wait_s(self, method: str, chat: int) -> int:
        """Whole seconds that the bot has to wait, or 0: then it has been counted."""
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
        """Everything so far is long ago."""
        self._chats.clear()
        self._all.clear()


def _wait(sent: deque[float], most: int, window_s: float, now: float) -> float:
    if len(sent) < most:
        return 0.0
    return sent[-most] + window_s - now
