"""This file fetches what happens on Telegram, or has it brought: the two ways that Telegram offers.

What was fetched is confirmed when it has been heard, so that a kill in between loses nothing: it
comes again, and whoever hears it knows it by its id.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from telegram import Bot
from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter

from bot.backoff import backoff_s
from bot.config import Telegram as Section
from bot.telegram_adapter.errors import FAILURES, loggable, retry_after_s
from core.errors import ConfigInvalid

log = logging.getLogger(__name__)

WANTED = ("message", "callback_query")
POLL_S = 50
HANDLING_S = 10.0
"""After that it counts as heard, and goes on all the same."""
GLANCE_S = 0.5
"""Between two looks for what is new, while something is still being heard."""
LONGEST_PAUSE_S = 60.0
UPDATE_BYTES = 4_000_000
OTHER_POLLER = "another program fetches what happens on Telegram with this token: end it"
SECRET = "X-Telegram-Bot-Api-Secret-Token"

OnUpdate = Callable[[Mapping[str, Any]], Coroutine[Any, Any, None]]
T = TypeVar("T")


class UpdateSource(Protocol):
    async def serve(self, on_update: OnUpdate, on_ready: Callable[[], object]) -> None:
        """Until it is cancelled. `on_ready`: told when it works. Raises ConfigInvalid where it can
        never work."""


class Polling:
    """Fulfils `UpdateSource`: asks Telegram again and again. What is still being heard is not
    confirmed yet, for up to HANDLING_S, but what is new is fetched meanwhile."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot  # borrowed
        self._clock = asyncio.get_running_loop().time
        self._next = 0
        self._unconfirmed: dict[int, tuple[asyncio.Task[None], float]] = {}
        """By the update's id: who hears it, and until when that is waited for."""
        self._late: set[asyncio.Task[None]] = set()

    async def serve(self, on_update: OnUpdate, on_ready: Callable[[], object]) -> None:
        await retry_until_done(self._take_over)
        on_ready()
        try:
            while True:
                for update in await retry_until_done(self._fetch):
                    self._begin(update, on_update)
                if handling := self._handling():
                    await asyncio.wait(handling, timeout=GLANCE_S)
                self._confirm()
        finally:
            await _end(self._handling() | self._late)

    def _begin(self, update: Mapping[str, Any], on_update: OnUpdate) -> None:
        if (id := update["update_id"]) not in self._unconfirmed:
            self._unconfirmed[id] = (
                asyncio.create_task(on_update(update)),
                self._clock() + HANDLING_S,
            )
            self._next = id + 1

    def _handling(self) -> set[asyncio.Task[None]]:
        return {task for task, _ in self._unconfirmed.values() if not task.done()}

    def _confirm(self) -> None:
        """All before the first one that is still waited for."""
        for id, (task, until) in list(self._unconfirmed.items()):
            if not task.done() and self._clock() < until:
                break
            del self._unconfirmed[id]
            self._late.add(task)
        self._late = {task for task in self._late if not task.done()}

    async def _take_over(self) -> None:
        """Telegram lets nobody fetch what it brings to an address."""
        if (await self._bot.get_webhook_info()).url:
            log.warning("a webhook was set for this token: it is removed")
            await self._bot.delete_webhook()

    async def _fetch(self) -> list[dict[str, Any]]:
        """All that is not confirmed, and what is new."""
        offset = next(iter(self._unconfirmed), self._next)
        timeout_s = 0 if self._unconfirmed else POLL_S
        # Bot.get_updates reads all of them or none: one that it cannot read would leave us deaf.
        asked = {"offset": offset, "timeout": timeout_s, "allowed_updates": WANTED}
        found: Any = await self._bot._post("getUpdates", asked, read_timeout=timeout_s + 10)
        return list(found)


class Webhook:
    """Fulfils `UpdateSource`: Telegram brings what happens to an address of ours, before which a
    proxy stands that speaks HTTPS."""

    def __init__(self, bot: Bot, config: Section) -> None:
        self._bot = bot  # borrowed
        self._config = config
        self._secret = secrets.token_urlsafe(32)
        self._handling: set[asyncio.Task[None]] = set()

    async def serve(self, on_update: OnUpdate, on_ready: Callable[[], object]) -> None:
        async def take(request: web.Request) -> web.Response:
            return await self._take(request, on_update)

        app = web.Application(client_max_size=UPDATE_BYTES)
        app.router.add_post(urlsplit(self._config.webhook_url).path or "/", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._config.webhook_host, self._config.webhook_port)
            try:
                await site.start()
            except OSError as error:
                raise ConfigInvalid("telegram.webhook_port", "it cannot be opened") from error
            await retry_until_done(self._ask)
            on_ready()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
            await _end(self._handling)

    async def _ask(self) -> None:
        url = self._config.webhook_url
        try:
            await self._bot.set_webhook(url, secret_token=self._secret, allowed_updates=WANTED)
        except BadRequest as error:
            raise ConfigInvalid("telegram.webhook_url", str(error)) from error

    async def _take(self, request: web.Request, on_update: OnUpdate) -> web.Response:
        told = request.headers.get(SECRET, "").encode(errors="replace")
        if not hmac.compare_digest(told, self._secret.encode()):
            raise web.HTTPForbidden
        try:
            update = json.loads(await request.read())
        except ValueError as error:
            raise web.HTTPBadRequest from error
        task = asyncio.create_task(on_update(update))
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)
        await asyncio.wait([task], timeout=HANDLING_S)
        return web.Response()


async def retry_until_done(call: Callable[[], Awaitable[T]]) -> T:
    """Tried until Telegram does it. Raises ConfigInvalid where it does not know the token."""
    failures, is_told = 0, False
    while True:
        wait_s = backoff_s(failures, LONGEST_PAUSE_S, first_s=0.5)
        try:
            return await call()
        except InvalidToken:
            # Not chained: it may hold the token.
            raise ConfigInvalid("telegram.token", "Telegram does not know it") from None
        except Conflict:
            if not is_told:  # they will go on ending each other's calls
                log.error(OTHER_POLLER)
            is_told = True
        except RetryAfter as error:
            wait_s = retry_after_s(error)
        except FAILURES as error:
            log.warning("Telegram cannot be reached: %s", loggable(error))
        failures += 1
        await asyncio.sleep(wait_s)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """What was not heard to its end comes again at the next start."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
