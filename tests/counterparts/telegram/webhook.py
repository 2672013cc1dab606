"""Deliver updates to the bot's webhook: in order for each chat, and again until accepted.

Like a local Bot API server (`--local`), it accepts plain HTTP and any port; Telegram's own requires
HTTPS on port 443, 80, 88 or 8443.
"""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.counterparts.telegram.refusal import breach
from tests.counterparts.telegram.updates import Update, Updates

SECRET = "X-Telegram-Bot-Api-Secret-Token"


@dataclass
class Webhook:
    """The bot's webhook. `retry_s`: delay after a failed delivery; it doubles with each failure, up
    to a minute."""

    updates: Updates
    retry_s: float = 0.2
    timeout_s: float = 10.0
    deliveries: list[tuple[int, int]] = field(default_factory=list)
    """Each attempt: the update's id, and the status of the response; 0 without one."""
    secret: str = ""
    connections: int = 40
    last_error: str = ""
    last_error_at: float = 0.0
    _work: asyncio.Task[None] | None = None
    _new: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.updates.on_new = self._new.set

    def set(self, given: dict[str, Any]) -> None:
        """Handle setWebhook. Raises Refusal."""
        url = given["url"]
        address = urlsplit(url)
        if url and (address.scheme not in ("http", "https") or not address.netloc):
            raise breach("bad webhook: invalid webhook URL specified")
        if not re.fullmatch(r"[A-Za-z0-9_-]*", given.get("secret_token", "")):
            raise breach("secret token contains unallowed characters")
        if not 1 <= given.get("max_connections", 40) <= 100:
            raise breach("max_connections must be between 1 and 100")
        self.end()
        self.updates.allow(given.get("allowed_updates"))
        if given.get("drop_pending_updates"):
            self.updates.pending.clear()
        self.updates.webhook, self.secret = url, given.get("secret_token", "")
        self.connections = given.get("max_connections", 40)
        if url:
            self.updates.end_poll("terminated by setWebhook request")
            self._work = asyncio.get_running_loop().create_task(self._deliver_all())

    def end(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self._work = None

    def info(self) -> dict[str, Any]:
        told = {"url": self.updates.webhook, "has_custom_certificate": False}
        told["pending_update_count"] = len(self.updates.pending)
        if self.updates.webhook:
            told["max_connections"] = self.connections
        if self.last_error:
            told |= {"last_error_message": self.last_error}
            told |= {"last_error_date": int(self.last_error_at)}
        return told

    async def _deliver_all(self) -> None:
        """Deliver with one queue per chat and at most the allowed number of connections."""
        free, lines = asyncio.Semaphore(self.connections), {}
        async with ClientSession(timeout=ClientTimeout(self.timeout_s)) as http:
            try:
                while True:
                    self._new.clear()
                    for update in self.updates.pending:
                        line = lines.get(place := _place(update))
                        if line is None or line.done():
                            lines[place] = asyncio.create_task(self._drain(http, free, place))
                    await self._new.wait()
            finally:
                for line in lines.values():
                    line.cancel()
                await asyncio.gather(*lines.values(), return_exceptions=True)

    async def _drain(self, http: ClientSession, free: asyncio.Semaphore, place: object) -> None:
        wait = self.retry_s
        while mine := [one for one in self.updates.pending if _place(one) == place]:
            async with free:
                done = await self._deliver(http, mine[0])
            if done:
                wait = self.retry_s
                with suppress(ValueError):  # drop_pending_updates may have removed it
                    self.updates.pending.remove(mine[0])
            else:
                await asyncio.sleep(wait)
                wait = min(2 * wait, 60.0)

    async def _deliver(self, http: ClientSession, update: Update) -> bool:
        headers = {SECRET: self.secret} if self.secret else {}
        status, said = 0, "Connection refused"
        with suppress(ClientError, TimeoutError, OSError):
            url = self.updates.webhook
            async with http.post(url, json=update, headers=headers) as response:
                status = response.status
                said = f"Wrong response from the webhook: {status} {response.reason}"
                await response.read()
        self.deliveries.append((update["update_id"], status))
        if 200 <= status < 300:
            return True
        self.last_error, self.last_error_at = said, time.time()
        return False


def _place(update: Update) -> object:
    """The chat within which updates stay in order."""
    content: Any = next(value for key, value in update.items() if key != "update_id")
    message = content.get("message") or content
    return message.get("chat", content.get("from", {})).get("id")
