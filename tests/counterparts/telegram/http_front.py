"""The HTTP side: check a call, apply rate limits and requested faults, then handle it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.counterparts.connection_cutter import ConnectionCutter
from tests.counterparts.telegram import api_check as rules
from tests.counterparts.telegram import directory, files, messages, topics
from tests.counterparts.telegram.call import Call
from tests.counterparts.telegram.faults import BAD_GATEWAY, KINDS, Fault
from tests.counterparts.telegram.flood_limits import Flood
from tests.counterparts.telegram.refusal import Refusal, breach, in_words
from tests.counterparts.telegram.updates import Updates
from tests.counterparts.telegram.webhook import Webhook
from tests.counterparts.telegram.world import TOKEN, World

Handler = Callable[[World, Call], Any]


@dataclass
class Front:
    """Telegram's HTTP API. `refused`: invalid calls of the bot. `limited`: its 429s, real and
    injected."""

    world: World
    updates: Updates
    webhook: Webhook
    flood: Flood
    defects: list[str]
    calls: list[Call] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    limited: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._cutter = ConnectionCutter()

    def fault(
        self, method: str, kind: str, times: int = 1, *, retry_after_s: int = 3, chat: int = 0
    ) -> Fault:
        """Apply a fault to the next `times` matching calls; `met` counts them. See faults.Fault."""
        if kind not in KINDS and in_words(kind).words != kind:
            raise ValueError(f"neither of {KINDS} nor words of Telegram's: {kind!r}")
        made = Fault(method, kind, times, retry_after_s, chat)
        self.faults.append(made)
        return made

    def release(self) -> None:
        """Cut every hanging connection."""
        self._cutter.release()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.match_info["method"], self.world.now())
        self.calls.append(call)
        try:
            response = await self._answered(request, call)
        except Refusal as refusal:
            response = self._refuse(call, refusal)
        call.status = response.status
        return response

    async def _answered(self, request: web.Request, call: Call) -> web.StreamResponse:
        _authorise(request)
        raw, call.files = await _parameters(request)
        call.given = raw
        call.method = rules.method_named(call.method)
        call.given = rules.checked(call.method, raw, set(call.files))
        fault = self._fault(call)
        if fault is not None and not fault.kind.endswith("after"):
            return await self._fail(request, fault)
        result = await self._done(call)
        if wrong := rules.misfits(result, rules.description()["methods"][call.method]["returns"]):
            self.defects.append(f"{call.method}: {wrong}")
        if fault is not None:
            return await self._fail(request, fault)
        call.answer = {"ok": True, "result": result}
        return web.json_response(call.answer)

    def _fault(self, call: Call) -> Fault | None:
        found = next((one for one in self.faults if one.fits(call.method, call.chat)), None)
        if found is not None:
            found.met += 1
        return found

    async def _done(self, call: Call) -> Any:
        """Validate and handle a call. Raises Refusal."""
        if call.method == "getUpdates":
            return await self.updates.fetch(call.given)
        if call.method in ("setWebhook", "deleteWebhook"):
            self.webhook.set({"url": "", **call.given})
            return True
        if call.method == "getWebhookInfo":
            return self.webhook.info()
        if call.method not in _HANDLERS:
            raise breach(f"{call.method} is not served here")
        wait = self.flood.wait_s(call.method, call.chat)
        if wait:
            raise _too_many(wait)
        return _HANDLERS[call.method](self.world, call)

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        kind = fault.kind.removesuffix(" after")
        if kind == "429":
            raise _too_many(fault.retry_after_s)
        if kind in ("hang", "cut"):
            return await self._cutter.cut(request, hangs=kind == "hang")
        if kind == "500":
            raise Refusal("", 500)
        if kind == "502":
            return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")
        raise in_words(fault.kind)

    def _refuse(self, call: Call, refusal: Refusal) -> web.Response:
        if refusal.breach:
            self.refused.append(f"{call.method}: {refusal}")
        headers = {}
        if "retry_after" in refusal.parameters:
            self.limited.append(f"{call.method} {call.chat}: {refusal}")
            headers["Retry-After"] = str(refusal.parameters["retry_after"])
        call.answer = refusal.body
        return web.json_response(refusal.body, status=refusal.code, headers=headers)

    async def download(self, request: web.Request) -> web.Response:
        """Serve a file under the path that getFile returned."""
        _authorise(request)
        stored = files.at_path(self.world, request.match_info["path"])
        if stored is None:
            return self._refuse(Call("file", self.world.now()), Refusal("", 404))
        return web.Response(body=stored.content, content_type="application/octet-stream")


def _too_many(wait_s: int) -> Refusal:
    return Refusal(f"retry after {wait_s}", 429, retry_after=wait_s)


def _authorise(request: web.Request) -> None:
    """Check the token. Raises Refusal."""
    if request.match_info["token"] != TOKEN:
        raise Refusal("", 401 if ":" in request.match_info["token"] else 404)


async def _parameters(request: web.Request) -> tuple[dict[str, Any], dict[str, tuple[str, bytes]]]:
    """Read the parameters of the query and the body, and the files. Raises Refusal."""
    raw: dict[str, Any] = dict(request.query)
    files: dict[str, tuple[str, bytes]] = {}
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except json.JSONDecodeError:
            raise breach("can't parse JSON object") from None
        return raw | body, files
    for name, part in (await request.post()).items():
        if isinstance(part, web.FileField):
            files[name] = (part.filename, part.file.read())
        else:
            raw[name] = part
    return raw, files


_HANDLERS: dict[str, Handler] = {
    "getMe": directory.me,
    "getChat": directory.chat,
    "getChatAdministrators": directory.administrators,
    "getChatMember": directory.member,
    "getChatMemberCount": directory.member_count,
    "leaveChat": directory.leave,
    "answerCallbackQuery": directory.answer_press,
    "setMyCommands": directory.set_commands,
    "getMyCommands": directory.get_commands,
    "deleteMyCommands": directory.delete_commands,
    **dict.fromkeys(("setMyName", "setMyDescription"), directory.set_text),
    "setMyShortDescription": directory.set_text,
    **dict.fromkeys(("getMyName", "getMyDescription"), directory.get_text),
    "getMyShortDescription": directory.get_text,
    "sendMessage": messages.send,
    **{
        f"send{kind}": messages.send_media
        for kind in ("Photo", "Document", "Audio", "Video", "Voice")
    },
    "sendMessageDraft": messages.draft,
    "sendChatAction": messages.act,
    "setMessageReaction": messages.react,
    "editMessageText": messages.edit_text,
    "editMessageCaption": messages.edit_caption,
    "editMessageReplyMarkup": messages.edit_keyboard,
    "deleteMessage": messages.delete,
    "deleteMessages": messages.delete_many,
    "getFile": files.get,
    "createForumTopic": topics.create,
    "editForumTopic": topics.edit,
    "closeForumTopic": topics.close,
    "reopenForumTopic": topics.close,
    "deleteForumTopic": topics.delete,
}
