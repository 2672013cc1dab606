"""The HTTP side: check a request, apply rate limits and requested faults, then handle it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.counterparts.connection_cutter import ConnectionCutter
from tests.counterparts.discord import directory, interactions, limits, messages, threads
from tests.counterparts.discord import openapi_check as rules
from tests.counterparts.discord.buckets import Buckets, Verdict
from tests.counterparts.discord.call import Call
from tests.counterparts.discord.error_codes import Refusal
from tests.counterparts.discord.faults import BAD_GATEWAY, CLOUDFLARE, Fault, Kind
from tests.counterparts.discord.twin import TOKEN
from tests.counterparts.discord.world import World

API = "/api/v10"
Handler = Callable[[World, Call], Awaitable[Any]]


@dataclass
class Request:
    """A received request and the status of its response; 0 if there is none, or not yet."""

    method: str
    path: str
    at: float
    operation: str = ""
    body: Any = None
    status: int = 0


@dataclass
class Front:
    """Discord's HTTP API. `refused`: invalid requests of the bot. `limited`: its 429s, real and
    injected."""

    world: World
    gateway_url: str = ""
    requests: list[Request] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    limited: list[str] = field(default_factory=list)
    unguarded: list[str] = field(default_factory=list)
    """Messages sent or edited without an explicit ban on pings."""
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.buckets = Buckets(self.world.now)
        self._cutter = ConnectionCutter()

    def fault(
        self, method: str, path: str, kind: Kind, times: int = 1, retry_after_s: float = 0.2
    ) -> Fault:
        """Apply a fault to the next `times` matching requests; `met` counts them. See
        faults.Kind."""
        made = Fault(method, path, kind, times, retry_after_s)
        self.faults.append(made)
        return made

    def release(self) -> None:
        """Cut every hanging connection."""
        self._cutter.release()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.raw_path.removeprefix(API)
        fault = next((one for one in self.faults if one.fits(request.method, path)), None)
        if fault is not None:
            fault.met += 1
        seen = Request(request.method, path, self.world.now())
        self.requests.append(seen)
        try:
            response = await self._answered(request, path, fault, seen)
        except Refusal as refusal:
            response = self._refuse(request, path, refusal)
        seen.status = response.status
        return response

    async def _answered(
        self, request: web.Request, path: str, fault: Fault | None, seen: Request
    ) -> web.StreamResponse:
        body, files = await _body(request)
        if path in ("/gateway", "/gateway/bot"):
            return _json(200, self._gateway(), {})
        found = rules.find(request.method, path)
        seen.operation, seen.body = (found[0].id if found else ""), body
        if fault is not None and not str(fault.kind).endswith("after"):
            return await self._fail(request, path, fault)
        call, verdict = self._checked(request, path, found, body, files)
        if verdict.retry_after_s is not None:
            return self._limit(request.method, path, verdict)
        async with self.world.lock:
            answer = await _HANDLERS[call.operation.id](self.world, call)
        if fault is not None:
            return await self._fail(request, path, fault)
        return _json(200, answer, verdict.headers)

    def _gateway(self) -> dict[str, Any]:
        start = {"total": 1000, "remaining": 999, "reset_after": 14400000, "max_concurrency": 1}
        return {"url": self.gateway_url, "shards": 1, "session_start_limit": start}

    def _checked(
        self,
        request: web.Request,
        path: str,
        found: tuple[rules.Operation, dict[str, str]] | None,
        body: Any,
        files: dict[int, tuple[str, bytes]],
    ) -> tuple[Call, Verdict]:
        """Validate a request. Raises Refusal."""
        if found is None or found[0].id not in _HANDLERS:
            raise Refusal(50035, breach="no such operation, or none that is served here")
        operation, holes = found
        self._authorise(request, operation)
        verdict = self.buckets.take(operation, holes)
        if verdict.retry_after_s is None:
            call = Call(request.method, operation, holes, dict(request.query), body, files)
            _check(call, multipart=request.content_type.startswith("multipart/"))
            if not _is_guarded(call):
                self.unguarded.append(f"{request.method} {path}")
            return call, verdict
        return Call(request.method, operation, holes, {}, None), verdict

    def _authorise(self, request: web.Request, operation: rules.Operation) -> None:
        if operation.template.startswith(("/interactions/", "/webhooks/")):
            return  # the path's token is enough; webhook calls lack discord.py's User-Agent
        if not request.headers.get("User-Agent", "").startswith("DiscordBot ("):
            raise Refusal(40333, breach="User-Agent")
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            raise Refusal(0)

    async def _fail(self, request: web.Request, path: str, fault: Fault) -> web.StreamResponse:
        kind = str(fault.kind).removesuffix(" after")
        if isinstance(fault.kind, int):
            raise Refusal(fault.kind)
        if kind.startswith("429"):
            scope = kind.removeprefix("429 ")
            return self._limit(request.method, path, Verdict({}, fault.retry_after_s, scope))
        if kind in ("hang", "cut"):
            return await self._cutter.cut(request, hangs=kind == "hang")
        if kind == "cloudflare":
            self.limited.append(f"{request.method} {path} cloudflare")
            return web.Response(status=429, text=CLOUDFLARE, content_type="text/html")
        if kind == "500":
            return _json(500, {"message": "500: Internal Server Error", "code": 0}, {})
        return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")

    def _limit(self, method: str, path: str, verdict: Verdict) -> web.Response:
        self.limited.append(f"{method} {path} {verdict.scope}")
        wait = verdict.retry_after_s or 0.0
        headers = {**verdict.headers, "Retry-After": str(int(wait) + 1), "Via": "1.1 google"}
        headers["X-RateLimit-Scope"] = verdict.scope
        is_global = verdict.scope == "global"
        if is_global:
            headers["X-RateLimit-Global"] = "true"
        told = {"message": "You are being rate limited.", "retry_after": round(wait, 3)}
        return _json(429, {**told, "global": is_global}, headers)

    def _refuse(self, request: web.Request, path: str, refusal: Refusal) -> web.Response:
        if refusal.breach:
            self.refused.append(f"{request.method} {path}: {refusal}")
        return _json(refusal.status, refusal.body, {"Via": "1.1 google"})


def _check(call: Call, *, multipart: bool) -> None:
    """Check what does not depend on the platform's state. Raises Refusal."""
    operation = call.operation
    if multipart and not operation.multipart:
        raise Refusal(50035, breach="multipart, where only JSON is known")
    found = rules.breaches(operation, call.path, call.query, call.body)
    if found:
        raise Refusal(50035, breach="; ".join(found))
    sizes = [len(content) for _, content in call.files.values()]
    if sum(sizes) > limits.REQUEST_BYTES or any(one > limits.FILE_BYTES for one in sizes):
        raise Refusal(40005, breach="files")
    message = limits.message_in(operation.id, call.body)
    if message is None:
        return
    found = limits.message_breaches(message)
    if found:
        raise Refusal(50035, breach="; ".join(found))
    is_new = call.method == "POST" and call.body.get("type") != interactions.UPDATE
    if is_new and limits.is_empty(message, len(call.files)):
        raise Refusal(50006, breach="nothing to show")


def _is_guarded(call: Call) -> bool:
    """Whether the call sends no message, or one that explicitly bans all pings."""
    message = limits.message_in(call.operation.id, call.body)
    allowed = {"parse": None} if message is None else message.get("allowed_mentions") or {}
    names_nobody = not (allowed.get("parse") or allowed.get("users") or allowed.get("roles"))
    return "parse" in allowed and names_nobody and not allowed.get("replied_user")


async def _body(request: web.Request) -> tuple[Any, dict[int, tuple[str, bytes]]]:
    """Read the JSON body and the files. Raises Refusal."""
    try:
        if request.content_type != "multipart/form-data":
            text = await request.text()
            return (json.loads(text) if text else None), {}
        fields = await request.post()
        body = json.loads(str(fields.get("payload_json", "{}")))
    except ValueError as error:
        raise Refusal(50109, breach="not JSON") from error
    files = {}
    for name, part in fields.items():
        if isinstance(part, web.FileField) and name.startswith("files["):
            files[int(name[6:-1])] = (part.filename, part.file.read())
        elif name != "payload_json":
            raise Refusal(50035, breach=f"a form field {name!r}")
    return body, files


def _json(status: int, answer: Any, headers: dict[str, str]) -> web.Response:
    """Build a JSON response with exactly the content type that discord.py requires to parse it."""
    if answer is None:
        return web.Response(status=204, headers=headers)
    headers = {**headers, "Content-Type": "application/json"}
    return web.Response(status=status, body=json.dumps(answer).encode(), headers=headers)


_HANDLERS: dict[str, Handler] = {
    "get_my_oauth2_application": directory.application,
    "get_my_application": directory.application,
    "get_my_user": directory.me,
    "get_user": directory.user,
    "list_my_guilds": directory.guilds,
    "create_dm": directory.open_dm,
    "bulk_set_application_commands": directory.register,
    "bulk_set_guild_application_commands": directory.register,
    "list_application_commands": directory.commands,
    "list_guild_application_commands": directory.commands,
    "get_guild": directory.guild,
    "list_guild_channels": directory.channels,
    "list_guild_roles": directory.roles,
    "get_guild_member": directory.member,
    "get_my_guild_member": directory.member,
    "get_active_guild_threads": threads.active,
    "list_public_archived_threads": threads.archived,
    "get_channel": threads.get,
    "update_channel": threads.change,
    "delete_channel": threads.delete,
    "create_thread": threads.create,
    "create_thread_from_message": threads.from_message,
    "join_thread": threads.join,
    "add_thread_member": threads.join,
    "list_thread_members": threads.members,
    "trigger_typing_indicator": threads.typing,
    "create_message": messages.create,
    "update_message": messages.update,
    "delete_message": messages.delete,
    "get_message": messages.get,
    "list_messages": messages.many,
    "add_my_message_reaction": messages.react,
    "delete_my_message_reaction": messages.react,
    "list_pins": messages.pins,
    "create_pin": messages.pin,
    "delete_pin": messages.pin,
    "create_interaction_response": interactions.respond,
    "execute_webhook": interactions.follow_up,
    "get_original_webhook_message": interactions.get,
    "get_webhook_message": interactions.get,
    "update_original_webhook_message": interactions.update,
    "update_webhook_message": interactions.update,
    "delete_original_webhook_message": interactions.delete,
    "delete_webhook_message": interactions.delete,
}
