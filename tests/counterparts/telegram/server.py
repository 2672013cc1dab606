"""A Telegram counterpart on loopback: a Bot API server that refuses what Telegram refuses.

    @pytest.fixture(scope="module")
    def platform():
        with TelegramServer() as platform:
            yield platform

    async def test_…(platform):
        bot = Bot(TOKEN, base_url=platform.base_url, base_file_url=platform.base_file_url)
        ...                                   # or config.yaml's telegram.api_base: platform.url
        id = await platform.people.write(platform.people.group, "/watch https://youtu.be/…")
        assert platform.refused == []

`people` is everyone except the bot, `world` the platform's state, `updates` what the bot has not
received yet.
"""

from __future__ import annotations

import traceback
from typing import Any

from aiohttp import web

from tests.counterparts.loop_proxy import LoopProxy
from tests.counterparts.platform_server import PlatformServer
from tests.counterparts.telegram import api_check as rules
from tests.counterparts.telegram.call import Call
from tests.counterparts.telegram.faults import Fault
from tests.counterparts.telegram.flood_limits import Flood
from tests.counterparts.telegram.http_front import Front
from tests.counterparts.telegram.people import People
from tests.counterparts.telegram.updates import Updates
from tests.counterparts.telegram.webhook import Webhook
from tests.counterparts.telegram.world import BOT, BOT_NAME, TOKEN, World

__all__ = ["BOT", "BOT_NAME", "TOKEN", "TelegramServer"]
BODY_BYTES = 64 * 2**20


class TelegramServer(PlatformServer):
    """The Telegram counterpart. `chat_s`, `group_s`, `overall_s`: the windows for one message in a
    chat, twenty in a group, thirty overall; 0 for no limit. `retry_s`: delay before a webhook
    delivery is retried. `conflict_s`: minimum time between two 409s of competing pollers."""

    def __init__(
        self,
        *,
        chat_s: float = 1.0,
        group_s: float = 60.0,
        overall_s: float = 1.0,
        retry_s: float = 0.2,
        conflict_s: float = 3.0,
    ) -> None:
        super().__init__("telegram")
        self._windows = (chat_s, group_s, overall_s)
        self._retry_s, self._conflict_s = retry_s, conflict_s

    @property
    def base_url(self) -> str:
        """The `base_url` for python-telegram-bot."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self.url}/file/bot"

    @property
    def calls(self) -> list[Call]:
        """All received calls, in order."""
        return self._front.calls

    @property
    def refused(self) -> list[str]:
        """Invalid calls of the bot, each with what is wrong."""
        return self._front.refused

    @property
    def limited(self) -> list[str]:
        """The bot's 429s, real and injected."""
        return self._front.limited

    @property
    def deliveries(self) -> list[tuple[int, int]]:
        """Webhook deliveries: the update's id, and the status of the response, 0 without one."""
        return self._webhook.deliveries

    def called(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def fault(
        self, method: str, kind: str, times: int = 1, *, retry_after_s: int = 3, chat: int = 0
    ) -> Fault:
        """Apply a fault to the next `times` calls of the method ("*": any); `met` counts them.
        `kind`: "429", "500", "502", "hang", "cut", all but the first also with " after" (the call
        takes effect, but the bot does not learn it), or Telegram's error text, such as "Forbidden:
        user is deactivated"."""
        return self._front.fault(method, kind, times, retry_after_s=retry_after_s, chat=chat)

    def release(self) -> None:
        """Cut every hanging connection."""
        self._front.release()

    async def _start(self) -> None:
        updates = Updates(self._conflict_s)
        world, webhook = World(self._told), Webhook(updates, self._retry_s)
        flood = Flood(world.now, *self._windows)
        self._front, self._webhook = Front(world, updates, webhook, flood, self.defects), webhook
        self._updates, self.flood = updates, flood
        self.world = LoopProxy(world, self._loop)
        self.updates = LoopProxy(updates, self._loop)
        self.people = LoopProxy(People(world), self._loop)
        app = web.Application(client_max_size=BODY_BYTES)
        app.router.add_get("/file/bot{token}/{path:.+}", self._guarded(self._front.download))
        app.router.add_route("*", "/bot{token}/{method}", self._guarded(self._front.serve))
        # A client in a long poll or a hanging call disconnects as soon as the bot stops.
        await self._listen(app, handler_cancellation=True)

    async def _stop(self) -> None:
        self._front.release()
        self._webhook.end()
        await self._runner.cleanup()

    def _told(self, kind: str, content: dict[str, Any]) -> None:
        if wrong := rules.misfits({"update_id": 1, kind: content}, ["Update"]):
            self.defects.append(f"update {kind}: {wrong}")
        self._updates.tell(kind, content)

    def _guarded(self, serve: Any) -> Any:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                response: web.StreamResponse = await serve(request)
            except Exception:  # a defect of the counterpart: fails the test
                self.defects.append(traceback.format_exc())
                raise
            return response

        return guarded
