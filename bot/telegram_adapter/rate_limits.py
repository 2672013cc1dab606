"""This file keeps us below Telegram's limits: in all, in a chat, and in a group's minute.

They are Telegram's own figures (https://core.telegram.org/bots/faq, "My bot is hitting limits", in
`telegram.constants`), a little widened; what it asks for with a 429 holds on top.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from telegram.constants import FloodLimit

MESSAGES_PER_SECOND = FloodLimit.MESSAGES_PER_SECOND - 2
GROUP_MESSAGES_PER_MINUTE = FloodLimit.MESSAGES_PER_MINUTE_PER_GROUP


@dataclass(slots=True)
class RateLimits:
    """When the next message or edit may go out, on the loop's clock. `edit_s`: so far apart are
    edits in a group, that they last for its minute; new messages may come faster."""

    chat_s: float = 1.02 / FloodLimit.MESSAGES_PER_SECOND_PER_CHAT
    edit_s: float = 60.0 / FloodLimit.MESSAGES_PER_MINUTE_PER_GROUP
    minute_s: float = 60.1
    overall_s: float = 1.0
    _sent: deque[float] = field(default_factory=lambda: deque(maxlen=MESSAGES_PER_SECOND))
    _sent_by_chat: dict[int, deque[float]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=GROUP_MESSAGES_PER_MINUTE))
    )
    _blocked_until: dict[int, float] = field(default_factory=dict)
    _clock: Callable[[], float] = field(default_factory=lambda: asyncio.get_running_loop().time)

    def wait_s(self, chat: int, *, is_edit: bool = False) -> float:
        """How long nothing may be sent there yet; 0 if it may, and then it is counted."""
        now, sent = self._clock(), self._sent_by_chat[chat]
        apart_s = max(self.chat_s, self.edit_s) if is_edit and chat < 0 else self.chat_s
        free = [self._blocked_until.get(chat, now)]
        if len(self._sent) == MESSAGES_PER_SECOND:
            free.append(self._sent[0] + self.overall_s)
        if sent:
            free.append(sent[-1] + apart_s)
        if chat < 0 and len(sent) == GROUP_MESSAGES_PER_MINUTE:
            free.append(sent[0] + self.minute_s)
        if (wait_s := max(free) - now) > 0:
            return wait_s
        self._sent.append(now)
        sent.append(now)
        return 0.0

    def record_completion(self, chat: int) -> None:
        """What was counted last came to its end: by now Telegram has seen it, on whatever way."""
        if sent := self._sent_by_chat[chat]:
            sent[-1] = self._clock()

    def block(self, chat: int, seconds: float) -> None:
        """Telegram wants so long to hear nothing for that chat."""
        self._blocked_until[chat] = self._clock() + seconds

    def blocked_s(self, chat: int) -> float:
        """For how long Telegram still wants that, or 0."""
        return max(self._blocked_until.get(chat, 0.0) - self._clock(), 0.0)

    def forget_idle_chats(self) -> None:
        """Forgets the chats in which nothing was sent for a minute."""
        old = self._clock() - self.minute_s
        for chat in [
            chat for chat, sent in self._sent_by_chat.items() if not sent or sent[-1] < old
        ]:
            del self._sent_by_chat[chat]
        self._blocked_until = {
            chat: until for chat, until in self._blocked_until.items() if until > old
        }
