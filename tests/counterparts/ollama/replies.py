"""Stream a reply as Ollama does, including every way a stream can break off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tests.counterparts.ollama import rules as rules


@dataclass(frozen=True)
class Refuse:
    """An error before the first byte."""

    status: int
    error: str


BUSY = Refuse(503, rules.BUSY)


@dataclass(frozen=True)
class Break:
    """Send `text`, then break off with: an `error` line, an `end` without done, a `stall`, a lost
    connection (`drop`), or a line that is not JSON (`noise`). The status is 200."""

    then: Literal["error", "end", "stall", "drop", "noise"]
    text: str = ""
    error: str = rules.STOPPED


@dataclass
class Model:
    """A pulled model. `obeys_truncate`: False for older servers and proxies that drop the field."""

    context_length: int = 40_960
    size_vram: int = 5_000_000_000
    thoughts: str = ""
    """The thinking that a thinking model sends before its answer, unless `think` is false."""
    always_thinks: bool = False
    obeys_truncate: bool = True
    load_s: float = 0.0


def lines(
    body: dict[str, Any], model: Model, reply: object, counted: int, num_ctx: int
) -> Iterator[bytes]:
    """The NDJSON lines of one answer, a token per line. `counted`: the prompt's tokens."""
    if model.thoughts and (model.always_thinks or body.get("think") is not False):
        for piece in rules.pieces(model.thoughts):
            yield _line(body, message={"role": "assistant", "content": "", "thinking": piece})
    broken = reply if isinstance(reply, Break) else None
    said = rules.pieces(broken.text if broken else _as_text(reply))
    most = min(body.get("options", {}).get("num_predict", 2**30), num_ctx - counted)
    for piece in said[:most]:
        yield _line(body, message={"role": "assistant", "content": piece})
    if broken and broken.then == "error":
        yield json.dumps({"error": broken.error}).encode() + b"\n"
    elif broken and broken.then == "noise":
        yield b"<html>Bad Gateway</html>\n"
    elif not broken:
        yield _line(
            body,
            message={"role": "assistant", "content": ""},
            done=True,
            done_reason="length" if len(said) > most else "stop",
            prompt_eval_count=counted,
            eval_count=min(len(said), most),
        )


def _as_text(reply: object) -> str:
    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)


def _line(body: dict[str, Any], *, done: bool = False, **fields: object) -> bytes:
    stamp = "2026-08-21T12:00:00.000000Z"
    told = {"model": body["model"], "created_at": stamp, **fields, "done": done}
    # Omit zeros.
    return json.dumps({k: v for k, v in told.items() if v != 0 or k == "done"}).encode() + b"\n"
