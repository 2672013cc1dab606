"""Receive updates from Telegram, by polling or by webhook.

An update is confirmed only after it was handled, so a kill in between loses nothing: Telegram
sends it again, and the handler recognises it by its id.
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
from bot.telegram_adapter.rivalry import YIELD_S, Rivalry
from core.errors import ConfigInvalid

log = logging.getLogger(__name__)

UPDATE_TYPES = ("message", "callback_query", "my_chat_member")
POLL_S = 50
HANDLING_S = 10.0
"""After that an update is confirmed although it is still being handled."""
POLL_PAUSE_S = 0.5
"""Between two polls while an update is being handled."""
LONGEST_PAUSE_S = 60.0
UPDATE_BYTES = 4_000_000
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"

OnUpdate = Callable[[Mapping[str, Any]], Coroutine[Any, Any, None]]
T = TypeVar("T")


class UpdateSource(Protocol):
    async def serve(self, on_update: OnUpdate, on_ready: Callable[[], object]) -> None:
        """Receive updates until cancelled. `on_ready`: called once they arrive. Raises
        ConfigInvalid if they never will."""


class Polling:
    """`UpdateSource` by long polling. Updates that are being handled stay unconfirmed for up to
    HANDLING_S; new ones are fetched meanwhile."""

    def __init__(
        self,
        bot: Bot,
        on_contact: Callable[[bool], object] = lambda is_made: None,
        on_waiting: Callable[[], object] = lambda: None,
        yield_s: float = YIELD_S,
    ) -> None:
        """`on_contact`: called after each poll, with whether Telegram answered it. `on_waiting`:
        called when the token is left to another program, at first for up to `yield_s`."""
        self._bot = bot  # borrowed
        self._on_contact = on_contact
        self._rivalry = Rivalry(on_waiting, yield_s, asyncio.get_running_loop().time)
        self._clock = asyncio.get_running_loop().time
        self._next = 0
        self._unconfirmed: dict[int, tuple[asyncio.Task[None], float]] = {}
        """By update id: the handling task, and when it is confirmed at the latest."""
        self._late: set[asyncio.Task[None]] = set()

    async def serve(self, on_update: OnUpdate, on_ready: Callable[[], object]) -> None:
        await retry_until_done(self._remove_webhook)
        on_ready()
        try:
            while True:
                for update in await self._fetch_without_rival():
                    self._start(update, on_update)
                if handling := self._handling():
                    await asyncio.wait(handling, timeout=POLL_PAUSE_S)
                self._confirm()
        finally:
            await _cancel(self._handling() | self._late)

    def _start(self, update: Mapping[str, Any], on_update: OnUpdate) -> None:
        if (id := update["update_id"]) not in self._unconfirmed:
            self._unconfirmed[id] = (
                asyncio.create_task(on_update(update)),
                self._clock() + HANDLING_S,
            )
            self._next = id + 1

    def _handling(self) -> set[asyncio.Task[None]]:
        return {task for task, _ in self._unconfirmed.values() if not task.done()}

    def _confirm(self) -> None:
        """Confirm the updates before the first one that is still waited for."""
        for id, (task, until) in list(self._unconfirmed.items()):
            if not task.done() and self._clock() < until:
                break
            del self._unconfirmed[id]
            self._late.add(task)
        self._late = {task for task in self._late if not task.done()}

    async def _remove_webhook(self) -> None:
        """Remove a webhook: Telegram refuses polling while one is set."""
        if (await self._bot.get_webhook_info()).url:
            log.warning("Removing the webhook that is set for this token")
            await self._bot.delete_webhook()

    async def _fetch_without_rival(self) -> list[dict[str, Any]]:
        while True:
            began = self._clock()
            try:
                updates = await retry_until_done(self._fetch)
            except Conflict:
                pause_s = self._rivalry.after_conflict(self._clock() - began)
                await asyncio.sleep(pause_s)
            else:
                self._rivalry.after_answer()
                return updates

    async def _fetch(self) -> list[dict[str, Any]]:
        """Fetch all unconfirmed and new updates."""
        offset = next(iter(self._unconfirmed), self._next)
        timeout_s = 0 if self._unconfirmed else POLL_S
        # Not Bot.get_updates: one update that it cannot parse makes it lose all of them.
        arguments = {"offset": offset, "timeout": timeout_s, "allowed_updates": UPDATE_TYPES}
        is_answered = False
        try:
            updates: Any = await self._bot._post(
                "getUpdates", arguments, read_timeout=timeout_s + 10
            )
            is_answered = True
        finally:
            self._on_contact(is_answered)
        return list(updates)


class Webhook:
    """`UpdateSource` by webhook: Telegram posts updates to the bot's URL, through a proxy that
    terminates HTTPS."""

    def __init__(self, bot: Bot, config: Section) -> None:
        self._bot = bot  # borrowed
        self._config = config
        self._secret = secrets.token_urlsafe(32)
        self._handling: set[asyncio.Task[None]] = set()

    async def serve(self, on_update: OnUpdate, on_ready: Callable[[], object]) -> None:
        async def receive(request: web.Request) -> web.Response:
            return await self._receive(request, on_update)

        app = web.Application(client_max_size=UPDATE_BYTES)
        app.router.add_post(urlsplit(self._config.webhook_url).path or "/", receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._config.webhook_host, self._config.webhook_port)
            try:
                await site.start()
            except OSError as error:
                raise ConfigInvalid("telegram.webhook_port", "it cannot be opened") from error
            await retry_until_done(self._set_webhook)
            on_ready()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()
            await _cancel(self._handling)

    async def _set_webhook(self) -> None:
        url = self._config.webhook_url
        try:
            await self._bot.set_webhook(
                url, secret_token=self._secret, allowed_updates=UPDATE_TYPES
            )
        except BadRequest as error:
            raise ConfigInvalid("telegram.webhook_url", str(error)) from error

    async def _receive(self, request: web.Request, on_update: OnUpdate) -> web.Response:
        given = request.headers.get(SECRET_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(given, self._secret.encode()):
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
    """Call Telegram, retrying until it works. Raises ConfigInvalid for an unknown token, Conflict
    where another program polls."""
    failures = 0
    while True:
        wait_s = backoff_s(failures, LONGEST_PAUSE_S, first_s=0.5)
        try:
            return await call()
        except InvalidToken:
            # Not chained: the error may contain the token.
            raise ConfigInvalid("telegram.token", "Telegram does not know it") from None
        except Conflict:  # only Polling knows what to do
            raise
        except RetryAfter as error:
            wait_s = retry_after_s(error)
        except FAILURES as error:
            log.warning("Cannot reach Telegram: %s", loggable(error))
        failures += 1
        await asyncio.sleep(wait_s)


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel the handling of updates. Telegram sends them again after the next start."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
