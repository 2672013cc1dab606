"""Check a request against Discord's OpenAPI file (tests/assets/discord-openapi.min.json; what it
omits is in limits.py).

The file closes no object, so every object that lists its properties is closed here: an unknown key
is a breach.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

DESCRIPTION = Path(__file__).resolve().parents[2] / "assets" / "discord-openapi.min.json"
UNWRITTEN = {
    "MessageEditRequestPartial": ("tts",),
    "IncomingWebhookUpdateRequestPartial": ("tts",),
    "BaseCreateMessageCreateRequest": ("tts",),
    "CreateForumThreadRequest": ("type",),
    "RichEmbed": ("flags",),
    "ApplicationCommandUpdateRequest": ("nsfw",),
    "ApplicationCommandCreateRequest": ("nsfw",),
}
UNWRITTEN_QUERY = {"create_thread": {"use_nested_fields": {"type": "boolean"}}}
"""Parameters that discord.py 2.7.1 sends and Discord accepts, but the OpenAPI file omits."""


@dataclass(frozen=True)
class Operation:
    id: str
    template: str
    parameters: dict[tuple[str, str], dict[str, Any]]
    """(path or query, name) → schema."""
    required: frozenset[str]
    """Names of the required query parameters."""
    body: dict[str, Any] | None
    needs_body: bool
    multipart: bool

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template))

    @property
    def weight(self) -> int:
        """Of two matching templates, the one with fewer parameters wins (`/@original`)."""
        return -self.template.count("{")


def find(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """Find the operation and its path parameters. `path`: as sent, still percent-encoded."""
    fitting = [
        (operation, match)
        for operation in _operations()[method.lower()]
        if (match := operation.pattern.fullmatch(unquote(path)))
    ]
    if not fitting:
        return None
    operation, match = max(fitting, key=lambda one: one[0].weight)
    return operation, match.groupdict()


def breaches(
    operation: Operation, path: dict[str, str], query: dict[str, str], body: Any
) -> list[str]:
    """List what is wrong with a request, and where."""
    found = [
        f"{place} {name}: {value!r}"
        for place, given in (("path", path), ("query", query))
        for name, value in given.items()
        if not _fits(operation.parameters.get((place, name)), value)
    ]
    found += [f"query {name}: missing" for name in operation.required - query.keys()]
    if operation.body is None:
        return found + (["a body where none is known"] if body else [])
    if body is None:
        return found + (["no body"] if operation.needs_body else [])
    error = best_match(_validator(operation.id).iter_errors(body))
    return found + ([f"{error.json_path}: {error.message[:300]}"] if error else [])


def _fits(schema: dict[str, Any] | None, text: str) -> bool:
    """Whether any value that the text can stand for is valid; without a schema, none is."""
    if schema is None:
        return False
    meant: list[Any] = [text]
    if re.fullmatch(r"-?\d+", text):
        meant.append(int(text))
    if text.lower() in ("true", "false", "1", "0"):
        meant.append(text.lower() in ("true", "1"))
    return any(_closed_validator(json.dumps(schema)).is_valid(one) for one in meant)


@cache
def _description() -> dict[str, Any]:
    described = json.loads(DESCRIPTION.read_text("utf-8"))
    schemas = described["components"]["schemas"]
    for name, keys in UNWRITTEN.items():
        schemas[name]["properties"] |= {key: {} for key in keys}
    # Discord also accepts numbers as snowflakes, and discord.py sends some.
    schemas["SnowflakeType"]["type"] = ["string", "integer"]
    _close(described)
    return dict(described)


def _close(found: Any) -> None:
    if isinstance(found, list):
        for one in found:
            _close(one)
    elif isinstance(found, dict):
        if isinstance(found.get("properties"), dict) and "additionalProperties" not in found:
            found["additionalProperties"] = False
        if isinstance(found.get("oneOf"), list):
            found["anyOf"] = found.pop("oneOf")  # null matches several of its branches
        for one in found.values():
            _close(one)


@cache
def _operations() -> dict[str, list[Operation]]:
    by_method: dict[str, list[Operation]] = {
        method: [] for method in ("get", "post", "put", "patch", "delete")
    }
    for template, of in _description()["paths"].items():
        shared = of.get("parameters", [])
        for method in by_method.keys() & of.keys():
            by_method[method].append(_operation(template, shared, of[method]))
    return by_method


def _operation(template: str, shared: list[dict[str, Any]], of: dict[str, Any]) -> Operation:
    parameters = [*shared, *of.get("parameters", [])]
    content = of.get("requestBody", {}).get("content", {})
    id = of["operationId"]
    return Operation(
        id=id,
        template=template,
        parameters={
            **{("query", name): of for name, of in UNWRITTEN_QUERY.get(id, {}).items()},
            **{(one["in"], one["name"]): one["schema"] for one in parameters},
        },
        required=frozenset(
            one["name"] for one in parameters if one["in"] == "query" and one.get("required")
        ),
        body=content.get("application/json", {}).get("schema"),
        needs_body=of.get("requestBody", {}).get("required", False),
        multipart="multipart/form-data" in content,
    )


@cache
def _validator(operation_id: str) -> Draft202012Validator:
    operations = (one for many in _operations().values() for one in many)
    body = next(one.body for one in operations if one.id == operation_id)
    return _closed_validator(json.dumps(body))


@cache
def _closed_validator(schema: str) -> Draft202012Validator:
    components = _description()["components"]
    return Draft202012Validator({**json.loads(schema), "components": components})
