"""Decide which of two programs with one token polls Telegram.

Telegram ends the poll of one when the other begins, and gives an update that one is handling to
both: both would answer it. Two of one data folder are kept apart by bot/single_server.py.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable

from bot.backoff import backoff_s

log = logging.getLogger(__name__)

OTHER_POLLER = "Another program polls Telegram with this token: stop it"
YIELDING = "Telegram is left to the other program; the next try is in %.0f s"
YIELD_S = 30.0
"""The longest first pause of a program that leaves the token to another one."""
LONGEST_YIELD_S = 300.0
_ESTABLISHED_S = 5.0
"""After a poll of this length no other program was there when it began."""
_DISPUTE_S, _DISPUTE_CONFLICTS = 60.0, 10
"""Two established programs have disturbed each other for so long, so often: one must yield."""
_LONGEST_PAUSE_S = 60.0


class Rivalry:
    """One whose first poll is ended at once leaves the token to the other, which has polled before.
    So does one that is disturbed again and again, for a pause of random length."""

    def __init__(
        self, on_waiting: Callable[[], object], yield_s: float, clock: Callable[[], float]
    ) -> None:
        """`on_waiting`: called when the token is left to the other, once a dispute."""
        self._on_waiting, self._yield_s, self._clock = on_waiting, yield_s, clock
        self._has_polled = False
        self._since = self._last = -math.inf
        """When this dispute began, and its last conflict."""
        self._conflicts = self._in_a_row = self._yields = 0

    def after_conflict(self, polled_s: float) -> float:
        """Return the pause before the next poll. `polled_s`: how long the ended one was."""
        now = self._clock()
        if now - self._last > _DISPUTE_S + LONGEST_YIELD_S:
            log.error(OTHER_POLLER)
            self._yields = 0
        if now - self._last > _DISPUTE_S:
            self._since, self._conflicts = now, 0
        self._last = now
        self._conflicts += 1
        self._in_a_row += 1
        self._has_polled |= polled_s >= _ESTABLISHED_S
        is_long = now - self._since > _DISPUTE_S and self._conflicts > _DISPUTE_CONFLICTS
        if self._has_polled and not is_long:
            return backoff_s(self._in_a_row - 1, _LONGEST_PAUSE_S, first_s=0.5)
        return self._leave()

    def after_answer(self) -> None:
        self._has_polled = True
        self._in_a_row = 0

    def _leave(self) -> float:
        self._has_polled, self._conflicts = False, 0
        pause_s = backoff_s(self._yields, LONGEST_YIELD_S, first_s=self._yield_s)
        pause_s *= random.uniform(0.5, 1.0)
        log.warning(YIELDING, pause_s)
        if not self._yields:
            self._on_waiting()
        self._yields += 1
        return pause_s
