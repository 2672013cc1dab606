"""Rate limits: one bucket per route and channel, as the response headers state it."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.counterparts.discord.openapi_check import Operation

# Observed, not documented: buckets reset within five seconds, and messages and edits allow five
# (discord/discord-api-docs#20). The other limits are generous.
LIMITS = {"create_message": 5, "update_message": 5, "trigger_typing_indicator": 5}
ROOMY = 50
WINDOW_S = 5.0
GLOBAL_A_SECOND = 50
FREE_OF_GLOBAL = ("/interactions/", "/webhooks/")


@dataclass
class Bucket:
    name: str
    limit: int
    used: int = 0
    ends_at: float = 0.0


@dataclass
class Verdict:
    """The rate-limit decision on one request; `retry_after_s` is set if it is refused."""

    headers: dict[str, str]
    retry_after_s: float | None = None
    scope: str = "user"


@dataclass
class Buckets:
    """All rate-limit buckets. A shorter `window_s` keeps the limits with less waiting."""

    now: Callable[[], float]
    window_s: float = WINDOW_S
    _buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=deque)

    def take(self, operation: Operation, path: dict[str, str]) -> Verdict:
        now = self.now()
        if operation.template.startswith(FREE_OF_GLOBAL):
            pass
        elif (wait := self._global(now)) > 0:
            return Verdict({"X-RateLimit-Global": "true"}, wait, "global")
        bucket = self._bucket(operation, path, now)
        refused = bucket.used >= bucket.limit
        bucket.used += not refused
        left_s = max(bucket.ends_at - now, 0.001)
        headers = {
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": str(bucket.limit - bucket.used),
            "X-RateLimit-Reset": f"{bucket.ends_at:.3f}",
            "X-RateLimit-Reset-After": f"{left_s:.3f}",
            "X-RateLimit-Bucket": bucket.name,
        }
        return Verdict(headers, left_s if refused else None)

    def _global(self, now: float) -> float:
        while self._all and self._all[0] <= now - 1:
            self._all.popleft()
        if len(self._all) >= GLOBAL_A_SECOND:
            return self._all[0] + 1 - now
        self._all.append(now)
        return 0.0

    def _bucket(self, operation: Operation, path: dict[str, str], now: float) -> Bucket:
        major = path.get("channel_id") or path.get("webhook_token") or path.get("guild_id") or ""
        major = path.get("interaction_id", major)
        name = hashlib.md5(operation.id.encode()).hexdigest()
        limit = LIMITS.get(operation.id, ROOMY)
        bucket = self._buckets.setdefault((operation.id, major), Bucket(name, limit))
        if bucket.ends_at <= now:
            bucket.used, bucket.ends_at = 0, now + self.window_s
        return bucket
