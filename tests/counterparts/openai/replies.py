"""Stream a reply as an OpenAI-compatible server does, including every way it can break off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.counterparts.ollama.rules import pieces


@dataclass(frozen=True)
class Refuse:
    """An error before the first byte."""

    status: int
    body: object


BUSY = Refuse(503, {"error": {"message": "Loading model", "type": "unavailable_error"}})
RATE_LIMITED = Refuse(429, {"error": {"message": "Rate limit reached", "code": "rate_limit"}})


@dataclass(frozen=True)
class Break:
    """Send `text`, then break off: with an `error` event, llama-server's older `error_line`, an
    `end` without a finish reason, a `stall`, a lost connection (`drop`), a line that is no event
    (`noise`), or a content `filter`. The status is 200."""

    then: Literal["error", "error_line", "end", "stall", "drop", "noise", "filter"]
    text: str = ""
    error: object = field(
        default_factory=lambda: {"code": 500, "message": "compute error", "type": "server_error"}
    )


@dataclass(frozen=True)
class Counts:
    """What the usage event tells."""

    prompt: int
    cached: int
    room: int
    """Tokens left for the reply."""


@dataclass
class Model:
    """A served model. `thoughts`: sent first, as `thinks_in` says, unless switched off."""

    context_length: int = 32_768
    thoughts: str = ""
    thinks_in: Literal["field", "content"] = "field"


def events(
    body: dict[str, Any], model: Model, reply: object, counts: Counts, *, is_llama: bool
) -> Iterator[bytes]:
    """The events of one answer, a token each."""
    yield b": keep-alive\n\n"
    yield _event(body, {"role": "assistant", "content": None})
    for delta in _thoughts(body, model):
        yield _event(body, delta)
    broken = reply if isinstance(reply, Break) else None
    said = pieces(broken.text if broken else _as_text(reply))
    most = min(body.get("max_tokens", 2**30), counts.room)
    for piece in said[:most]:
        yield _event(body, {"content": piece})
    if broken:
        yield from _broken(body, broken)
        return
    yield _event(body, {}, "length" if len(said) > most else "stop")
    if body.get("stream_options", {}).get("include_usage"):
        yield _usage(body, counts, min(len(said), most), is_llama=is_llama)
    yield b"data: [DONE]\n\n"


def _thoughts(body: dict[str, Any], model: Model) -> Iterator[dict[str, object]]:
    if not model.thoughts or body.get("chat_template_kwargs", {}).get("enable_thinking") is False:
        return
    in_field = model.thinks_in == "field"
    whole = model.thoughts if in_field else f"<think>\n{model.thoughts}\n</think>\n\n"
    for piece in pieces(whole):
        yield {"reasoning_content" if in_field else "content": piece}


def _broken(body: dict[str, Any], broken: Break) -> Iterator[bytes]:
    if broken.then == "error":
        yield b"data: " + json.dumps({"error": broken.error}).encode() + b"\n\n"
    elif broken.then == "error_line":
        yield b"error: " + json.dumps(broken.error).encode() + b"\n\n"
    elif broken.then == "noise":
        yield b"<html>Bad Gateway</html>\n"
    elif broken.then == "filter":
        yield _event(body, {}, "content_filter")


def _as_text(reply: object) -> str:
    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)


def _event(body: dict[str, Any], delta: dict[str, object], finish: str | None = None) -> bytes:
    return _data(body, [{"index": 0, "delta": delta, "finish_reason": finish}])


def _usage(body: dict[str, Any], counts: Counts, said: int, *, is_llama: bool) -> bytes:
    usage: dict[str, Any] = {
        "prompt_tokens": counts.prompt,
        "completion_tokens": said,
        "total_tokens": counts.prompt + said,
    }
    if not is_llama:
        return _data(body, [], usage=usage)
    usage["prompt_tokens_details"] = {"cached_tokens": counts.cached}
    timings = {"cache_n": counts.cached, "prompt_n": counts.prompt - counts.cached}
    return _data(body, [], usage=usage, timings=timings)


def _data(body: dict[str, Any], choices: list[dict[str, Any]], **more: object) -> bytes:
    told = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, **more}
    told |= {"model": body["model"], "choices": choices}
    # Not escaped, as the real servers send it: a reply may contain U+2028, which is no line end.
    return b"data: " + json.dumps(told, ensure_ascii=False).encode() + b"\n\n"
