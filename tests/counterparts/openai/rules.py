"""What OpenAI-compatible servers refuse, in their own words.

The words are those of llama-server (checked against llama.cpp in test_llama_server.py), vLLM and
OpenAI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

Flavour = Literal["llamacpp", "vllm", "openai", "lmstudio"]

_REQUEST = {
    "type": "object",
    "required": ["model", "messages"],
    "additionalProperties": False,
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "messages": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["role", "content"],
                "additionalProperties": False,
                "properties": {
                    "role": {"enum": ["system", "user", "assistant"]},
                    "content": {"type": "string"},
                },
            },
        },
        "stream": {"type": "boolean"},
        "stream_options": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"include_usage": {"type": "boolean"}},
        },
        "max_tokens": {"type": "integer", "minimum": 1},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "frequency_penalty": {"type": "number", "minimum": -2, "maximum": 2},
        "seed": {"type": "integer"},
        "response_format": {
            "type": "object",
            "required": ["type", "json_schema"],
            "additionalProperties": False,
            "properties": {
                "type": {"const": "json_schema"},
                "json_schema": {
                    "type": "object",
                    "required": ["name", "schema", "strict"],
                    "additionalProperties": False,
                    "properties": {
                        "name": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,64}$"},
                        "schema": {"type": "object"},
                        "strict": {"const": True},
                    },
                },
            },
        },
    },
}
_TEMPLATE_OPTIONS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"enable_thinking": {"type": "boolean"}},
}


def breaches(body: Any, flavour: Flavour) -> list[str]:
    """List what is wrong with a request for a chat completion."""
    fields = dict(_REQUEST["properties"])
    if flavour in ("llamacpp", "vllm"):
        fields["chat_template_kwargs"] = _TEMPLATE_OPTIONS
    validator = Draft202012Validator({**_REQUEST, "properties": fields})
    found = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    if found:
        return found
    found = _wrong_roles([message["role"] for message in body["messages"]])
    if form := body.get("response_format"):
        found += _wrong_schema(form["json_schema"]["schema"], is_strict=flavour == "openai")
    return found


def _wrong_roles(roles: list[str]) -> list[str]:
    """Many templates want one system message, then user and assistant in turn."""
    talk = roles[1:] if roles[0] == "system" else roles
    if "system" in talk:
        return ["messages: a system message after the first"]
    if any(one == other for one, other in pairwise(talk)):
        return ["messages: conversation roles must alternate user/assistant/user/assistant/..."]
    return [] if talk and talk[-1] == "user" else ["messages: the last one is not the user's"]


def _wrong_schema(schema: dict[str, Any], *, is_strict: bool) -> list[str]:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [f"response_format: {error.message}"]
    if not is_strict:
        return []
    loose = [
        name
        for name, part in _objects(schema)
        if part.get("additionalProperties") is not False
        or set(part.get("required", ())) != set(part["properties"])
    ]
    return [
        f"response_format: {name} is open or has fields that are not required" for name in loose
    ]


def _objects(schema: object, name: str = "schema") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield name, schema
        for key, part in schema.items():
            yield from _objects(part, key)


def too_long(
    flavour: Flavour, counted: int, max_tokens: int, context: int
) -> dict[str, Any] | None:
    """The body of a 400 for a prompt that does not fit; None if it does."""
    if flavour == "llamacpp":
        if counted < context:
            return None
        message = (
            f"request ({counted} tokens) exceeds the available context size ({context} tokens), "
            "try increasing it"
        )
        kind = "exceed_context_size_error"
        told = {"code": 400, "message": message, "type": kind}
        return {"error": told | {"n_prompt_tokens": counted, "n_ctx": context}}
    if counted + max_tokens <= context:
        return None
    if flavour == "vllm":
        message = (
            "'max_tokens' or 'max_completion_tokens' is too large: "
            f"{max_tokens}. This model's maximum context length is {context} tokens and your "
            f"request has {counted} input tokens ({max_tokens} > {context} - {counted})."
        )
        kind = "BadRequestError"
        return {"error": {"message": message, "type": kind, "param": "max_tokens", "code": 400}}
    message = (
        f"This model's maximum context length is {context} tokens. However, you requested "
        f"{counted + max_tokens} tokens ({counted} in the messages, {max_tokens} in the "
        "completion). Please reduce the length of the messages or completion."
    )
    told = {"message": message, "type": "invalid_request_error", "param": "messages"}
    return {"error": told | {"code": "context_length_exceeded"}}


def refused_key(flavour: Flavour, key: str) -> dict[str, Any]:
    """The body of a 401. OpenAI repeats the key's first and last letters."""
    if flavour == "llamacpp":
        told = {"message": "Invalid API Key", "type": "authentication_error", "code": 401}
        return {"error": told}
    if flavour == "vllm":
        return {"error": "Unauthorized"}
    message = f"Incorrect API key provided: {re.sub('(?<=.{3}).', '*', key)}."
    return {"error": {"message": message, "code": "invalid_api_key"}}


def no_model(name: str) -> dict[str, Any]:
    """The body of a 404 for a model that is not served."""
    told = {"message": f"The model `{name}` does not exist.", "type": "NotFoundError"}
    return {"error": told | {"param": "model", "code": 404}}
