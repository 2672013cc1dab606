"""Ollama's rules for refusing, counting and truncating requests (0.33.0-rc2)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

SPECIFICATION = Path(__file__).resolve().parents[2] / "assets" / "ollama-openapi.yaml"
BUSY = "server busy, please try again.  maximum pending requests exceeded"  # two spaces
STOPPED = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal "
    "error, check ollama server logs for details"
)
TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; shorten the "
    "prompt, adjust the context length in settings, or use a model with a longer context length"
)
DEFAULT_NUM_CTX = 4096
_UNWRITTEN = {"truncate", "shift"}
"""Fields that /api/chat and /api/generate accept although the specification omits them."""
_UNWRITTEN_OPTIONS = {"frequency_penalty"}
"""Options in api/types.go that the specification omits."""
_REQUESTS = {
    "/api/chat": "ChatRequest",
    "/api/generate": "GenerateRequest",
    "/api/show": "ShowRequest",
}
_DURATION = re.compile(r"[-+]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+")
# Words of up to six letters are one token, longer ones split every four letters; digits and signs
# count each, other scripts per character. Roughly what a vocabulary of 100,000 tokens gives.
_PIECE = re.compile(r" ?[A-Za-z]{1,6}(?![A-Za-z])| ?[A-Za-z]{4}| ?\d| ?[^\sA-Za-z\d]| {2,}|\s")


def pieces(text: str) -> list[str]:
    """Split the text into tokens; joined, they are the text.

    >>> pieces("Bees: 12 honeycombs")
    ['Bees', ':', ' 1', '2', ' hone', 'ycombs']
    """
    return _PIECE.findall(text)


def prompt_tokens(messages: Sequence[dict[str, Any]]) -> int:
    """Count the tokens, including what a template adds around each message and before the
    answer."""
    return sum(len(pieces(message["content"])) + 5 for message in messages) + 4


def breaches(path: str, body: Any) -> list[str]:
    """List what is wrong with a request, by the specification and by undocumented rules."""
    found = [
        f"{path}: {error.json_path}: {error.message}"
        for error in _validator(_REQUESTS[path]).iter_errors(body)
    ]
    if not isinstance(body, dict):
        return found
    known = set(_schemas()[_REQUESTS[path]]["properties"])
    known |= set() if path == "/api/show" else _UNWRITTEN
    found += [f"{path}: unknown key {key}" for key in body.keys() - known]
    options = set(_schemas()["ModelOptions"]["properties"]) | _UNWRITTEN_OPTIONS
    given = body.get("options") if isinstance(body.get("options"), dict) else {}
    return found + [f"{path}: unknown option {key}" for key in given.keys() - options]


def refusal(body: dict[str, Any], *, thinks: bool) -> str:
    """The error text of a 400; empty if the request is accepted."""
    kept = body.get("keep_alive")
    if isinstance(kept, str) and not _DURATION.fullmatch(kept):
        return f'time: missing unit in duration "{kept}"'
    if body.get("think") not in (None, False) and not thinks:
        return f'"{body["model"]}" does not support thinking'
    form = body.get("format")
    if form not in (None, "", "json") and not isinstance(form, dict):
        expected = 'expected "json" or a valid JSON Schema object'
        return f"invalid format: {json.dumps(form)}; {expected}"
    return ""


def length_refusal(body: dict[str, Any], tokens: int, num_ctx: int) -> str:
    """The error text of a 400 for a prompt that does not fit; empty if it is truncated instead."""
    if body.get("truncate") is False:
        told = {
            "code": 400,
            "message": f"request ({tokens} tokens) exceeds the available context size "
            f"({num_ctx} tokens), try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": tokens,
            "n_ctx": num_ctx,
        }
        return json.dumps({"error": told})  # the runner's own answer, as text
    return TOO_LONG if body.get("shift") is False else ""


def cut(messages: list[dict[str, Any]], num_ctx: int) -> list[dict[str, Any]]:
    """What Ollama silently keeps of a long prompt, with status 200: it drops whole old messages
    first, then the start of the last one, down to about half the context."""
    kept = list(messages)
    while prompt_tokens(kept) >= num_ctx:
        old = next((m for m in kept[:-1] if m["role"] != "system"), None)
        if old is None:
            break
        kept.remove(old)
    if prompt_tokens(kept) < num_ctx:
        return kept
    left = num_ctx - (num_ctx - 5) // 2 - prompt_tokens([*kept[:-1], {**kept[-1], "content": ""}])
    tail = pieces(kept[-1]["content"])[-max(left, 1) :]
    return [*kept[:-1], {**kept[-1], "content": "".join(tail)}]


@lru_cache(maxsize=1)
def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = yaml.safe_load(SPECIFICATION.read_text("utf-8"))["components"][
        "schemas"
    ]
    return schemas


@lru_cache(maxsize=8)
def _validator(name: str) -> Draft202012Validator:
    found = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": _schemas()}}
    return Draft202012Validator(found)
