"""An OpenAI-compatible server on loopback that refuses and breaks off as the real ones do.

In a test:      async with OpenAiServer(["Bees dance."]) as server: ... server.url
Beside a test:  with running(OpenAiServer(lecture)) as server: ...       (in a thread)

Replies are a list, one per chat in turn, or a function of (messages, schema). A reply is a text, an
object (sent as JSON) or one of `Refuse`, `Break`. `flavour` chooses whose rules hold:
llama-server's, vLLM's, LM Studio's or OpenAI's. `breaches` lists what is wrong with requests: a
test ends with `assert server.breaches == []`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Self

from aiohttp import web

from tests.counterparts.ollama.lecture_model import lecture
from tests.counterparts.ollama.rules import pieces, prompt_tokens
from tests.counterparts.openai import rules as rules
from tests.counterparts.openai.replies import (
    BUSY,
    RATE_LIMITED,
    Break,
    Counts,
    Model,
    Refuse,
    events,
)

__all__ = [
    "BUSY",
    "RATE_LIMITED",
    "Break",
    "Model",
    "OpenAiServer",
    "Refuse",
    "lecture",
    "running",
]

Messages = list[dict[str, Any]]
Script = Callable[[Messages, dict[str, Any] | None], object]


@dataclass
class OpenAiServer:
    """The counterpart. `chats`: the bodies of /v1/chat/completions."""

    replies: Sequence[object] | Script = ()
    models: dict[str, Model] = field(default_factory=lambda: {"qwen3-8b": Model()})
    flavour: rules.Flavour = "llamacpp"
    api_key: str = ""
    tells_n_ctx: bool = True
    """False: an older llama-server, which tells the context size at /props only."""
    pause_s: float = 0.0
    """Pause between the events of a stream."""

    chats: list[dict[str, Any]] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    prompt_counts: list[int] = field(default_factory=list)
    cached_counts: list[int] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client leaves before its stream ends."""
    authorizations: set[str] = field(default_factory=set)
    peers: list[object] = field(default_factory=list)
    """The client's end of the connection of each request."""
    url: str = ""

    async def start(self, port: int = 0) -> None:
        app = web.Application(client_max_size=64 * 2**20, middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/v1/models", self._models),
                web.get("/props", self._props),
                web.get("/api/v0/models/{name:.+}", self._lm_studio_model),
                web.post("/v1/chat/completions", self._chat),
            ]
        )
        self._replies = iter(()) if callable(self.replies) else iter(self.replies)
        self._read: list[str] = []
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        told = request.headers.get("Authorization", "")
        self.authorizations.add(told)
        self.peers.append(request.transport and request.transport.get_extra_info("peername"))
        if self.api_key and told != f"Bearer {self.api_key}":
            key = told.removeprefix("Bearer ")
            return web.json_response(rules.refused_key(self.flavour, key), status=401)
        response: web.StreamResponse = await handler(request)
        return response

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": list(map(self._card, self.models))})

    def _card(self, name: str) -> dict[str, Any]:
        card: dict[str, Any] = {"id": name, "object": "model", "created": 1}
        card["owned_by"] = self.flavour
        context = self.models[name].context_length
        if self.flavour == "vllm":
            card["max_model_len"] = context
        if self.flavour == "llamacpp":
            card["meta"] = {"n_ctx_train": 4 * context} | (
                {"n_ctx": context} if self.tells_n_ctx else {}
            )
        return card

    async def _props(self, _: web.Request) -> web.Response:
        if self.flavour != "llamacpp":
            raise web.HTTPNotFound
        model = next(iter(self.models.values()))
        told = {"n_ctx": model.context_length, "params": {}}
        return web.json_response({"default_generation_settings": told, "total_slots": 1})

    async def _lm_studio_model(self, request: web.Request) -> web.Response:
        if self.flavour != "lmstudio":
            raise web.HTTPNotFound
        context = self.models[request.match_info["name"]].context_length
        sizes = {"max_context_length": 4 * context, "loaded_context_length": context}
        return web.json_response({"id": request.match_info["name"], "state": "loaded"} | sizes)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        name = body["model"]
        if name not in self.models:
            raise _error(404, rules.no_model(name))
        self.chats.append(body)
        reply = None if callable(self.replies) else self._next_reply()
        if isinstance(reply, Refuse):
            raise _error(reply.status, reply.body)
        messages: Messages = body["messages"]
        counted, context = prompt_tokens(messages), self.models[name].context_length
        if told := rules.too_long(self.flavour, counted, body.get("max_tokens", 1), context):
            raise _error(400, told)
        if body.get("stream") is not True:
            self.breaches.append("not streamed, so no limit of time can work")
        if callable(self.replies):
            reply = self.replies(messages, _schema(body))
        counts = Counts(counted, self._cached(messages), context - counted)
        self.prompt_counts.append(counts.prompt)
        self.cached_counts.append(counts.cached)
        return await self._say(request, body, reply, counts)

    def _cached(self, messages: Messages) -> int:
        """How many tokens of the prompt are a prefix of the one before."""
        read = [piece for message in messages for piece in pieces(message["content"])]
        same = list(takewhile(lambda pair: pair[0] == pair[1], zip(read, self._read, strict=False)))
        self._read = read
        return len(same)

    def _next_reply(self) -> object:
        for reply in self._replies:
            return reply
        self.breaches.append("once more than the test has replies for")
        raise _error(500, {"error": {"message": "nothing left to say"}})

    async def _say(
        self, request: web.Request, body: dict[str, Any], reply: object, counts: Counts
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        model, is_llama = self.models[body["model"]], self.flavour == "llamacpp"
        try:
            for event in events(body, model, reply, counts, is_llama=is_llama):
                middle = len(event) // 2  # a network splits anywhere, also within a letter
                await response.write(event[:middle])
                await response.write(event[middle:])
                await asyncio.sleep(self.pause_s)
            if isinstance(reply, Break) and reply.then == "stall":
                await asyncio.Event().wait()
            if isinstance(reply, Break) and reply.then == "drop" and request.transport:
                request.transport.abort()
        except (asyncio.CancelledError, ConnectionResetError):
            self.left.set()
            raise
        with suppress(ConnectionResetError):
            await response.write_eof()
        return response

    async def _body(self, request: web.Request) -> dict[str, Any]:
        try:
            body = await request.json()
        except ValueError as error:
            self.breaches.append("not JSON")
            raise _error(400, {"error": {"message": "not JSON"}}) from error
        if found := rules.breaches(body, self.flavour):
            self.breaches += found
            told = {"message": found[0], "type": "invalid_request_error", "code": 400}
            raise _error(400, {"error": told})
        return dict(body)


@contextmanager
def running(server: OpenAiServer, port: int = 0) -> Iterator[OpenAiServer]:
    """Run the server in a thread of its own, for tests that run the program as a process."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="openai")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(port), loop).result(10)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    form = body.get("response_format")
    schema: dict[str, Any] | None = form["json_schema"]["schema"] if form else None
    return schema


def _error(status: int, body: object) -> web.HTTPException:
    kinds = (
        web.HTTPBadRequest,
        web.HTTPUnauthorized,
        web.HTTPForbidden,
        web.HTTPNotFound,
        web.HTTPTooManyRequests,
        web.HTTPInternalServerError,
        web.HTTPServiceUnavailable,
    )
    kind = next(kind for kind in kinds if kind.status_code == status)
    text = body if isinstance(body, str) else json.dumps(body)
    return kind(text=text, content_type="application/json")
