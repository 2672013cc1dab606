"""The Discord counterpart refuses what Discord refuses, and fails on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from tests.counterparts.discord.error_codes import CODES
from tests.counterparts.discord.server import TOKEN, DiscordServer, serving

WINDOW_S = 0.2
HEADERS = {"Authorization": f"Bot {TOKEN}", "User-Agent": "DiscordBot (tests, 1)"}


@pytest.fixture(scope="module")
def platform() -> Iterator[DiscordServer]:
    with serving(window_s=WINDOW_S) as platform:
        yield platform


class Asker:
    """Client that sends any request, valid or not."""

    def __init__(self, platform: DiscordServer, http: aiohttp.ClientSession, channel: str) -> None:
        self.people, self.platform, self._http = platform.people, platform, http
        self.channel = channel
        self.headers: dict[str, str] = {}

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        url = self.platform.url + "/api/v10" + path.replace("CHANNEL", self.channel)
        async with self._http.request(method, url, json=body) as response:
            text, self.headers = await response.text(), dict(response.headers)
            is_json = response.headers.get("Content-Type") == "application/json"
            return response.status, json.loads(text) if is_json else text

    async def send(self, **body: Any) -> tuple[int, Any]:
        return await self("POST", "/channels/CHANNEL/messages", body)

    async def sent(self, **body: Any) -> str:
        """Post a message and return its id."""
        status, message = await self.send(**body)
        assert status == 200, message
        return str(message["id"])

    async def code(self, method: str, path: str, body: Any = None) -> int:
        status, answer = await self(method, path, body)
        assert status == CODES[answer["code"]][0]
        return int(answer["code"])


@pytest.fixture
async def ask(platform) -> AsyncIterator[Asker]:
    """Return an `Asker` in a new channel, with no violations recorded yet."""
    platform.front.refused.clear()
    platform.front.limited.clear()
    channel = await platform.people.make_channel("lectures")
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        yield Asker(platform, http, channel)


def button(**given: Any) -> dict[str, Any]:
    return {"type": 2, "style": 2, "label": "Ask", "custom_id": "q", **given}


def rows(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"type": 1, "components": [one]} for one in buttons]}


BREACHES = {
    "content of 2001 characters": {"content": "x" * 2001},
    "an unknown key": {"content": "x", "color": 1},
    "a title of 257": {"embeds": [{"title": "x" * 257}]},
    "a description of 4097": {"embeds": [{"description": "x" * 4097}]},
    "6001 in all embeds": {"embeds": [{"description": "x" * 2000}] * 3 + [{"title": "x"}]},
    "26 fields": {"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]},
    "a field without a value": {"embeds": [{"fields": [{"name": "n", "value": " "}]}]},
    "11 embeds": {"embeds": [{"title": "x"}] * 11},
    "an embed's address of no web page": {"embeds": [{"title": "x", "url": "javascript:1"}]},
    "a label of 81": rows(button(label="x" * 81)),
    "no label": rows(button(label=None)),
    "a custom_id of 101": rows(button(custom_id="x" * 101)),
    "an empty custom_id": rows(button(custom_id="")),
    "no custom_id": rows(button(custom_id=None)),
    "one custom_id twice": rows(button(), button()),
    "a link with a custom_id": rows(button(style=5, url="https://a.b")),
    "six rows": rows(*(button(custom_id=str(n)) for n in range(6))),
    "six buttons in a row": {
        "components": [
            {"type": 1, "components": [button(custom_id=str(n)) for n in range(6)]},
        ]
    },
    "a nonce of 26": {"content": "x", "nonce": "x" * 26},
    "a file that never came": {"content": "x", "attachments": [{"id": 0, "filename": "a.txt"}]},
    "content beside components of the second version": {
        "content": "x",
        "flags": 1 << 15,
        "components": [{"type": 10, "content": "x"}],
    },
    "allowed_mentions of another kind": {"content": "x", "allowed_mentions": {"parse": ["all"]}},
}


@pytest.mark.parametrize("body", BREACHES.values(), ids=BREACHES.keys())
async def test_a_violation_is_refused_and_recorded(ask, body):
    status, answer = await ask.send(**body)
    assert (status, answer["code"]) == (400, 50035)
    [refused] = ask.platform.front.refused
    assert "/messages" in refused
    assert await ask.people.messages(ask.channel) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/channels/general", None),
        ("GET", "/channels/CHANNEL/messages?limit=101", None),
        ("GET", "/channels/CHANNEL/messages?newest=1", None),
        ("GET", "/no/such/thing", None),
        ("POST", "/channels/CHANNEL/threads", {"name": "x" * 101, "type": 11}),
        ("PUT", "/applications/1/commands", [{"name": "Watch", "description": "x", "type": 1}]),
        ("PUT", "/applications/1/commands", [{"name": "watch", "description": "", "type": 1}]),
    ],
)
async def test_a_request_outside_discords_api_description_is_refused(ask, method, path, body):
    assert await ask.code(method, path, body) == 50035
    assert len(ask.platform.front.refused) == 1


async def test_an_empty_message_is_refused(ask):
    for body in ({}, {"content": "  \n"}, {"content": "", "embeds": []}):
        status, answer = await ask.send(**body)
        assert (status, answer["code"]) == (400, 50006)
    assert len(ask.platform.front.refused) == 3


async def test_a_wrong_token_is_refused(ask):
    async with aiohttp.ClientSession(headers={**HEADERS, "Authorization": "Bot x"}) as http:
        stranger = Asker(ask.platform, http, ask.channel)
        assert (await stranger("GET", "/users/@me"))[0] == 401


async def test_deleted_and_closed_things_have_their_codes(ask):
    message = await ask.sent(content="x")
    at = f"/channels/CHANNEL/messages/{message}"
    assert await ask.code("GET", "/channels/1") == 10003
    assert await ask.code("PATCH", "/channels/CHANNEL/messages/1", {"content": "x"}) == 10008
    assert (await ask("POST", f"{at}/threads", {"name": "Bees"}))[0] == 200
    assert await ask.code("POST", f"{at}/threads", {"name": "Bees"}) == 160004
    await ask.people.lock(message)
    inside = f"/channels/{message}/messages"
    assert await ask.code("POST", inside, {"content": "x"}) == 160005
    await ask.people.archive(message, locked=True)
    assert await ask.code("POST", inside, {"content": "x"}) == 50083
    await ask.people.delete_message(message)
    assert await ask.code("PATCH", at, {"content": "y"}) == 10008
    await ask.people.delete_channel(ask.channel)
    assert await ask.code("POST", "/channels/CHANNEL/messages", {"content": "x"}) == 10003
    assert await ask.code("GET", f"/channels/{message}") == 10003
    assert ask.platform.front.refused == [], "none of this was the bot's fault"


async def test_a_server_limits_its_active_threads(ask):
    message = await ask.sent(content="x")
    ask.platform.world.inner.max_active_threads = 0
    path = f"/channels/CHANNEL/messages/{message}/threads"
    assert await ask.code("POST", path, {"name": "Bees"}) == 160006
    ask.platform.world.inner.max_active_threads = 1000


async def test_permissions_are_checked_on_every_request(ask):
    bot, send = ask.people.bot, "/channels/CHANNEL/messages"
    await ask.people.allow(ask.channel, bot, embed_links=False)
    assert await ask.code("POST", send, {"embeds": [{"title": "x"}]}) == 50013
    await ask.people.allow(ask.channel, bot, send_messages=False)
    assert await ask.code("POST", send, {"content": "x"}) == 50013
    await ask.people.allow(ask.channel, bot, view_channel=False)
    assert await ask.code("POST", send, {"content": "x"}) == 50001


async def test_edits_of_messages_older_than_an_hour_are_limited(ask):
    message = await ask.sent(content="x")
    at = f"/channels/CHANNEL/messages/{message}"
    await ask.platform.world.advance(3500)
    assert (await ask("PATCH", at, {"content": "y"}))[0] == 200
    await ask.platform.world.advance(200)
    assert await ask.code("PATCH", at, {"content": "z"}) == 30046


async def test_an_interaction_is_answered_once_in_time_and_for_fifteen_minutes(ask):
    message = await ask.sent(content="Ask:", **rows(button()))
    pressed = await ask.people.press(message, "q")
    callback = f"/interactions/{pressed.id}/{pressed.token}/callback"
    webhook = f"/webhooks/{ask.people.bot}/{pressed.token}"
    assert (await ask("POST", callback, {"type": 6}))[0] == 204
    assert await ask.code("POST", callback, {"type": 6}) == 40060
    assert (await ask("POST", webhook, {"content": "x"}))[0] == 200
    await ask.platform.world.advance(15 * 60)
    assert await ask.code("POST", webhook, {"content": "x"}) == 50027
    late = await ask.people.press(message, "q")
    await ask.platform.world.advance(4)
    callback = f"/interactions/{late.id}/{late.token}/callback"
    assert await ask.code("POST", callback, {"type": 6}) == 10062


async def test_mentions_that_would_notify_are_recorded(ask):
    pings = ask.platform.world.pings
    pings.clear()
    ask.platform.front.unguarded.clear()
    mina = ask.people.mina
    await ask.sent(content=f"<@{mina}> @everyone", allowed_mentions={"parse": []})
    assert (pings, ask.platform.front.unguarded) == ([], [])
    message = await ask.sent(content=f"<@{mina}>")
    body = {"content": "@everyone"}
    await ask("PATCH", f"/channels/CHANNEL/messages/{message}", body)
    assert [(one.kind, one.by) for one in pings] == [("user", "send"), ("everyone", "edit")]
    assert len(ask.platform.front.unguarded) == 2


async def test_the_headers_announce_a_rate_limit_before_it_applies(ask):
    ask.platform.front.buckets.window_s = 2.0  # fits five requests, however slow the machine
    left = []
    for _ in range(5):
        await ask.sent(content="x")
        left.append(ask.headers["X-RateLimit-Remaining"])
    assert left == ["4", "3", "2", "1", "0"]
    status, answer = await ask.send(content="x")
    assert (status, answer["global"], ask.headers["X-RateLimit-Scope"]) == (429, False, "user")
    await asyncio.sleep(answer["retry_after"])
    await ask.sent(content="x")
    ask.platform.front.buckets.window_s = WINDOW_S


@pytest.mark.parametrize(
    ("kind", "status", "shown"),
    [
        ("429 user", 429, 0),
        ("429 shared", 429, 0),
        ("429 global", 429, 0),
        ("cloudflare", 429, 0),
        ("500", 500, 0),
        ("502", 502, 0),
        ("500 after", 500, 1),
        ("502 after", 502, 1),
        *((code, CODES[code][0], 0) for code in CODES if code),
    ],
)
async def test_a_fault_applies_once(ask, kind, status, shown):
    fault = ask.platform.front.fault("POST", "/messages$", kind)
    got, answer = await ask.send(content="x")
    assert (got, fault.met) == (status, 1)
    assert len(await ask.people.messages(ask.channel)) == shown
    if isinstance(kind, int):
        assert answer["code"] == kind
    elif kind.startswith("429"):
        assert ask.headers["X-RateLimit-Scope"] == kind.split()[1]
        assert answer["global"] == (kind == "429 global")
        assert answer["retry_after"] > 0
    elif kind in ("cloudflare", "502"):
        assert ask.headers["Content-Type"].startswith("text/html")
    await ask.sent(content="y")
    assert ask.platform.front.refused == []


@pytest.mark.parametrize(("kind", "shown"), [("cut", 0), ("cut after", 1)])
async def test_a_connection_is_cut_before_or_after_the_request_took_effect(ask, kind, shown):
    ask.platform.front.fault("POST", "/messages$", kind)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await ask.send(content="x")
    assert len(await ask.people.messages(ask.channel)) == shown


async def test_a_request_hangs_until_it_is_released(ask):
    ask.platform.front.fault("POST", "/messages$", "hang")
    hanging = asyncio.create_task(ask.send(content="x"))
    done, _ = await asyncio.wait({hanging}, timeout=0.2)
    assert not done
    ask.platform.front.release()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await hanging
