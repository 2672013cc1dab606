"""An Ollama counterpart on loopback that refuses, truncates and breaks off as Ollama does.

In a test:      async with OllamaServer(["Bees dance."]) as server: ... server.url
Beside a test:  with running(OllamaServer(lecture)) as server: ...       (in a thread)
By itself:      python -m tests.counterparts.ollama.server --port 0 --model qwen3:8b
                (prints its address)

Replies are a list, one per chat in turn, or a function of (messages, schema). A reply is a text, an
object (sent as JSON) or one of `Refuse`, `Break`. `breaches` lists what is wrong with requests: a
test ends with `assert server.breaches == []`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.counterparts.ollama import rules as rules
from tests.counterparts.ollama.lecture_model import lecture
from tests.counterparts.ollama.replies import BUSY, Break, Model, Refuse, lines

__all__ = ["BUSY", "Break", "Model", "OllamaServer", "Refuse", "lecture", "rendered", "running"]

Messages = list[dict[str, Any]]
Script = Callable[[Messages, dict[str, Any] | None], object]


@dataclass
class OllamaServer:
    """The Ollama counterpart. `chats`: the bodies of /api/chat. `loads`: the num_ctx of every
    load."""

    replies: Sequence[object] | Script = ()
    models: dict[str, Model] = field(default_factory=lambda: {"qwen3:8b": Model()})
    version: str = "0.33.0-rc2"
    pause_s: float = 0.0
    """Pause between the lines of a stream."""

    chats: list[dict[str, Any]] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    loads: list[int] = field(default_factory=list)
    prompt_counts: list[int] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client leaves before its stream ends."""
    loaded: dict[str, int] = field(default_factory=dict)
    """Model → its num_ctx."""
    authorizations: set[str] = field(default_factory=set)
    url: str = ""

    async def start(self, port: int = 0) -> None:
        app = web.Application(client_max_size=64 * 2**20)
        app.add_routes(
            [
                web.get("/api/version", self._version),
                web.get("/api/tags", self._tags),
                web.get("/api/ps", self._ps),
                web.post("/api/show", self._show),
                web.post("/api/chat", self._chat),
                web.post("/api/generate", self._generate),
            ]
        )
        self._replies = iter(()) if callable(self.replies) else iter(self.replies)
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

    @property
    def prompts(self) -> list[str]:
        """Each chat's prompt as a template renders it, for comparing prefixes."""
        return [rendered(chat["messages"]) for chat in self.chats]

    async def _version(self, request: web.Request) -> web.Response:
        self.authorizations.add(request.headers.get("Authorization", ""))
        return web.json_response({"version": self.version})

    async def _tags(self, _: web.Request) -> web.Response:
        return web.json_response({"models": [{"name": n, "model": n} for n in self.models]})

    async def _ps(self, _: web.Request) -> web.Response:
        held = [
            {
                "name": name,
                "model": name,
                "size_vram": self.models[name].size_vram,
                "context_length": num_ctx,
            }
            for name, num_ctx in self.loaded.items()
        ]
        return web.json_response({"models": held})

    async def _show(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        name = self._find(body["model"])
        info = {
            "general.architecture": "qwen3",
            "qwen3.context_length": self.models[name].context_length,
        }
        capabilities = ["completion", *(["thinking"] if self.models[name].thoughts else [])]
        return web.json_response({"model_info": info, "capabilities": capabilities})

    async def _generate(self, request: web.Request) -> web.Response:
        """Load or unload a model; the program generates nothing here."""
        body = await self._body(request)
        name = self._find(body["model"])
        if body.get("prompt"):
            self.breaches.append("/api/generate: a prompt")
        if body.get("keep_alive") in (0, "0"):
            self.loaded.pop(name, None)
            reason = "unload"
        else:
            await self._load(name, body)
            reason = "load"
        said = {"model": name, "response": "", "done": True, "done_reason": reason}
        return web.json_response(said)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        name = self._find(body["model"])
        model = self.models[name]
        if refused := rules.refusal(body, thinks=bool(model.thoughts)):
            raise _error(400, refused)
        self.chats.append(body)
        reply = None if callable(self.replies) else self._next_reply()
        if isinstance(reply, Refuse):
            raise _error(reply.status, reply.error)
        num_ctx = await self._load(name, body)
        messages, counted = _fitted(body, model, num_ctx)
        self.prompt_counts.append(counted)
        if callable(self.replies):
            reply = self.replies(messages, _schema(body))
        if body.get("stream") is False:
            self.breaches.append("/api/chat: not streamed, so no limit of time can work")
        return await self._say(request, body, reply, counted, num_ctx)

    def _next_reply(self) -> object:
        for reply in self._replies:
            return reply
        self.breaches.append("/api/chat: once more than the test has replies for")
        raise _error(500, "nothing left to say")

    async def _say(
        self, request: web.Request, body: dict[str, Any], reply: object, counted: int, num_ctx: int
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        try:
            for line in lines(
                body, self.models[self._find(body["model"])], reply, counted, num_ctx
            ):
                await response.write(line)
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

    async def _load(self, name: str, body: dict[str, Any]) -> int:
        """Load the model; a num_ctx other than the loaded one reloads it."""
        asked = body.get("options", {}).get("num_ctx", rules.DEFAULT_NUM_CTX)
        num_ctx = min(asked, self.models[name].context_length)
        if self.loaded.get(name) != num_ctx:
            self.loads.append(num_ctx)
            await asyncio.sleep(self.models[name].load_s)
        self.loaded[name] = num_ctx
        return num_ctx

    def _find(self, name: str) -> str:
        for known in (name, f"{name}:latest"):
            if known in self.models:
                return known
        raise _error(404, f"model '{name}' not found")

    async def _body(self, request: web.Request) -> dict[str, Any]:
        self.authorizations.add(request.headers.get("Authorization", ""))
        try:
            body = await request.json()
        except ValueError as error:
            self.breaches.append(f"{request.path}: not JSON")
            raise _error(400, "invalid character in request") from error
        found = rules.breaches(request.path, body)
        self.breaches += found
        if any("unknown" not in breach for breach in found):
            raise _error(400, found[0])
        return dict(body)


def rendered(messages: Messages) -> str:
    """Render as ChatML; a prompt is read from the cache as far as its prefix equals an earlier
    one."""
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)


@contextmanager
def running(server: OllamaServer, port: int = 0) -> Iterator[OllamaServer]:
    """Run the server in a thread of its own, for tests that run the program as a process."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="ollama")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(port), loop).result(10)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _fitted(body: dict[str, Any], model: Model, num_ctx: int) -> tuple[Messages, int]:
    """The messages that the model reads, all or truncated, and their tokens."""
    messages: Messages = body["messages"]
    counted = rules.prompt_tokens(messages)
    if counted < num_ctx:
        return messages, counted
    refused = rules.length_refusal(body, counted, num_ctx) if model.obeys_truncate else ""
    if refused:
        raise _error(400, refused)
    kept = rules.cut(messages, num_ctx)
    return kept, rules.prompt_tokens(kept)


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    return body["format"] if isinstance(body.get("format"), dict) else None


def _error(status: int, text: str) -> web.HTTPException:
    kinds = {400: web.HTTPBadRequest, 404: web.HTTPNotFound, 500: web.HTTPInternalServerError}
    kinds[503] = web.HTTPServiceUnavailable
    return kinds[status](text=json.dumps({"error": text}), content_type="application/json")


async def _serve(server: OllamaServer, port: int) -> None:
    await server.start(port)
    print(server.url, flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Serve the lecture model until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.counterparts.ollama.server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", default="qwen3:8b")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two pieces")
    given = parser.parse_args()
    server = OllamaServer(lecture, {given.model: Model()}, pause_s=given.pause)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(server, given.port))


if __name__ == "__main__":
    main()
