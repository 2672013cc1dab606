"""Check the limits that Discord enforces but its OpenAPI file omits; its documentation states them
in prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

CONTENT = 2000
EMBEDS_IN_ALL = 6000
ROWS = 5
V2 = 1 << 15
V2_COMPONENTS = 40
V2_TEXT = 4000
FILE_BYTES = 10 * 2**20
REQUEST_BYTES = 25 * 2**20
BUTTON, LINK_STYLE, SELECTS = 2, 5, (3, 5, 6, 7, 8)
_COMMAND_NAME = re.compile(r"[-_'\w]{1,32}")


def message_in(operation_id: str, body: Any) -> dict[str, Any] | None:
    """The message in a request body, if there is one."""
    if operation_id in _MESSAGES:
        return body if isinstance(body, dict) else None
    if operation_id == "create_thread":
        return body.get("message")
    if operation_id == "create_interaction_response" and body.get("type") in (4, 7):
        return body.get("data")
    return None


_MESSAGES = {
    "create_message",
    "update_message",
    "execute_webhook",
    "update_webhook_message",
    "update_original_webhook_message",
}


def message_breaches(message: dict[str, Any]) -> list[str]:
    return [*_texts(message), *_embeds(message), *_components(message)]


def is_empty(message: dict[str, Any], files: int) -> bool:
    """Whether a message has no content; white space does not count."""
    shown = ("embeds", "components", "sticker_ids", "poll")
    has_text = bool((message.get("content") or "").strip())
    return not (has_text or files or any(message.get(key) for key in shown))


def commands_breaches(commands: list[dict[str, Any]]) -> list[str]:
    """Check one bulk registration."""
    found = []
    names = [(command.get("type", 1), command["name"]) for command in commands]
    if len(set(names)) < len(names):
        found.append("two commands of one name")
    for kind, most in ((1, 100), (2, 15), (3, 15)):
        if sum(of == kind for of, _ in names) > most:
            found.append(f"more than {most} commands of type {kind}")
    slash = [command for command in commands if command.get("type", 1) == 1]
    return found + [breach for command in slash for breach in _slash_breaches(command)]


def _slash_breaches(command: dict[str, Any]) -> Iterator[str]:
    for part in (command, *command.get("options", ())):
        names = [part["name"], *(part.get("name_localizations") or {}).values()]
        for name in names:
            if not _COMMAND_NAME.fullmatch(name) or name != name.lower():
                yield f"a command or option named {name!r}"
        texts = [part.get("description"), *(part.get("description_localizations") or {}).values()]
        if not all(text and len(text) <= 100 for text in texts):
            yield f"{part['name']}: a description has 1 to 100 characters"
    required = [bool(option.get("required")) for option in command.get("options", ())]
    if required != sorted(required, reverse=True):
        yield f"{command['name']}: required options come first"


def _texts(message: dict[str, Any]) -> Iterator[str]:
    if len(message.get("content") or "") > CONTENT:
        yield f"content: more than {CONTENT} characters"
    nonce = message.get("nonce")
    if nonce is not None and len(str(nonce)) > 25:
        yield "nonce: more than 25 characters"
    if message.get("enforce_nonce") and nonce is None:
        yield "enforce_nonce without a nonce"


def _embeds(message: dict[str, Any]) -> Iterator[str]:
    embeds = message.get("embeds") or []
    if sum(map(_embed_length, embeds)) > EMBEDS_IN_ALL:
        yield f"embeds: more than {EMBEDS_IN_ALL} characters in all"
    for embed in embeds:
        if not any(value for key, value in embed.items() if key not in ("type", "color", "flags")):
            yield "embeds: an empty one"
        for field in embed.get("fields") or ():
            if not (field["name"].strip() and field["value"].strip()):
                yield "embeds: a field without name or value"
        pictures = [embed.get(key) or {} for key in ("image", "thumbnail", "author", "footer")]
        links = [of.get(key) for of in (embed, *pictures) for key in ("url", "icon_url")]
        for link in links:
            if link and urlsplit(link).scheme not in ("http", "https", "attachment"):
                yield f"embeds: the address {link[:40]!r}"


def _embed_length(embed: dict[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    texts += [field[key] for field in embed.get("fields") or () for key in ("name", "value")]
    return sum(len(text or "") for text in texts)


def _components(message: dict[str, Any]) -> Iterator[str]:
    every = list(components_in(message.get("components") or []))
    if (message.get("flags") or 0) & V2:
        yield from _second_version(message, every)
    elif len(message.get("components") or []) > ROWS:
        yield f"components: more than {ROWS} rows"
    elif any(one["type"] != 1 for one in message.get("components") or []):
        yield "components: only rows without IS_COMPONENTS_V2"
    ids = [one["custom_id"] for one in every if one.get("custom_id")]
    if len(set(ids)) < len(ids):
        yield "components: one custom_id twice"
    for one in every:
        yield from _control(one)
    for row in (one for one in every if one["type"] == 1):
        kinds = [one["type"] for one in row["components"]]
        if len(kinds) > 1 and any(kind != BUTTON for kind in kinds):
            yield "components: a row holds five buttons or one select"


def _second_version(message: dict[str, Any], every: list[dict[str, Any]]) -> Iterator[str]:
    if message.get("content") or message.get("embeds"):
        yield "components: no content or embeds beside IS_COMPONENTS_V2"
    if len(every) > V2_COMPONENTS:
        yield f"components: more than {V2_COMPONENTS}"
    if sum(len(one.get("content") or "") for one in every) > V2_TEXT:
        yield f"components: more than {V2_TEXT} characters of text"


def _control(one: dict[str, Any]) -> Iterator[str]:
    """Check a button or a select."""
    if one["type"] == BUTTON:
        is_link = one.get("style") == LINK_STYLE
        if is_link != bool(one.get("url")) or is_link == bool(one.get("custom_id")):
            yield "components: a link has a url, every other button a custom_id"
        if one.get("url") and urlsplit(one["url"]).scheme not in ("http", "https", "discord"):
            yield f"components: the address {one['url'][:40]!r}"
        if not (one.get("label") or one.get("emoji")):
            yield "components: a button without label or emoji"
    if one["type"] == 3:
        values = [option["value"] for option in one["options"]]
        if not values or len(values) > 25 or len(set(values)) < len(values):
            yield "components: a select has 1 to 25 options, each of its own value"
        if not all(option["label"] for option in one["options"]):
            yield "components: an option without label"


def components_in(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All components, nested ones included."""
    for one in components:
        yield one
        yield from components_in(one.get("components") or [])
        if one.get("accessory"):
            yield from components_in([one["accessory"]])
