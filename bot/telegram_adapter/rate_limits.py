"""Stay below Telegram's rate limits: overall, per chat, and per group and minute.

The limits are Telegram's (https://core.telegram.org/bots/faq, "My bot is hitting limits", and
`telegram.constants`) with a small margin. A delay that Telegram asks for with a 429 adds to them.
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
    """When the next message or edit may be sent, on the loop's clock. Each field is the minimum
    time for the limit of its name; `edit_s` spreads edits in a group over the minute, while new
    messages may follow each other faster."""

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

    def reserve(self, chat: int, *, is_edit: bool = False) -> float:
        """Count a message or edit if it may be sent now. Return 0, or the seconds to wait first."""
        now, sent = self._clock(), self._sent_by_chat[chat]
        interval_s = max(self.chat_s, self.edit_s) if is_edit and chat < 0 else self.chat_s
        allowed_at = [self._blocked_until.get(chat, now)]
        if len(self._sent) == MESSAGES_PER_SECOND:
            allowed_at.append(self._sent[0] + self.overall_s)
        if sent:
            allowed_at.append(sent[-1] + interval_s)
        if chat < 0 and len(sent) == GROUP_MESSAGES_PER_MINUTE:
            allowed_at.append(sent[0] + self.minute_s)
        if (wait_s := max(allowed_at) - now) > 0:
            return wait_s
        self._sent.append(now)
        sent.append(now)
        return 0.0

    def record_completion(self, chat: int) -> None:
        """Count the last call from now on: Telegram may have received it only at its end."""
        if sent := self._sent_by_chat[chat]:
            sent[-1] = self._clock()

    def block(self, chat: int, seconds: float) -> None:
        """Send nothing to the chat for so many seconds, as Telegram asked with a 429."""
        self._blocked_until[chat] = self._clock() + seconds

    def blocked_s(self, chat: int) -> float:
        """Return the remaining seconds of `block`, or 0."""
        return max(self._blocked_until.get(chat, 0.0) - self._clock(), 0.0)

    def forget_idle_chats(self) -> None:
        """Free the memory of chats that were sent nothing for a minute."""
        oldest = self._clock() - self.minute_s
        for chat in [
            chat for chat, sent in self._sent_by_chat.items() if not sent or sent[-1] < oldest
        ]:
            del self._sent_by_chat[chat]
        self._blocked_until = {
            chat: until for chat, until in self._blocked_until.items() if until > oldest
        }
