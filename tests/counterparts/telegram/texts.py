"""Process the text of a bot or a person as Telegram does: parse, find and order its entities, trim
it, and check its length."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.counterparts.telegram.api_check import utf16
from tests.counterparts.telegram.html import Entity, Html
from tests.counterparts.telegram.markdown import Markdown
from tests.counterparts.telegram.refusal import breach

TEXT, CAPTION = 4096, 1024
MOST_ENTITIES = 100
_HALF = "\N{REPLACEMENT CHARACTER}"
_SPLITTABLE = {"bold", "italic", "underline", "strikethrough", "spoiler"}
_FORMATS = {"text_link", "text_mention", "code", "pre", "custom_emoji"}
_QUOTES = {"blockquote", "expandable_blockquote"}
_WHOLE = {"code", "pre", *_QUOTES}
_GIVEN = _SPLITTABLE | _FORMATS | _QUOTES
_FOUND = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"}
_ORDER = ["blockquote", "expandable_blockquote", "text_link", "bold", "italic", "underline"]
_TOP_LEVEL = "com|org|net|be|io|dev|app|ai|kr|de|uk|fr|edu|gov|info|me|tv|co"
_DOMAIN = rf"(?:[\w-]+\.)+(?:{_TOP_LEVEL})"
_SCHEME, _REST = r"(?:https?|ftp|tg)://", r"[^\s<>\"]"
_COMMAND = r"(?<![\w/<>@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z]\w{3,31})?(?![\w/>@])"
_FINDERS = (
    ("url", re.compile(rf"(?<![\w@.])(?:{_SCHEME}{_REST}+|{_DOMAIN}\b(?:[/?#]{_REST}*)?)", re.I)),
    ("email", re.compile(rf"(?<![\w.])[\w.+-]+@{_DOMAIN}\b")),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z]\w{3,31}\b")),
    ("bot_command", re.compile(_COMMAND)),
    ("hashtag", re.compile(r"(?<![\w#])#\w*[^\W\d]\w*")),
)


def read(
    text: str, parse_mode: str | None, entities: list[Entity] | None, *, most: int = TEXT
) -> tuple[str, list[Entity]]:
    """Process a bot's text, which may be empty. Raises Refusal where Telegram does."""
    if parse_mode and entities:
        raise breach("parse_mode and entities are alternatives")
    mode = (parse_mode or "").lower()
    if mode == "html":
        text, entities = Html(text).read()
    elif mode == "markdownv2":
        text, entities = Markdown(text).read()
    elif mode:
        raise breach("unsupported parse_mode")
    given = [one for entity in entities or () if (one := _formed(entity, text, bool(mode)))]
    if len(given) > MOST_ENTITIES:
        raise breach("ENTITIES_TOO_LONG")
    text, given = _trimmed(text, given)
    if utf16(text) > most:
        raise breach("message is too long" if most == TEXT else "message caption is too long")
    return text, with_found(text, _in_order(given))


def with_found(text: str, given: list[Entity] = []) -> list[Entity]:  # noqa: B006  never mutated
    """Add the entities that Telegram finds by itself: links, mentions, commands."""
    taken = [_span(one) for one in given if one["type"] in _FORMATS]
    found: list[Entity] = []
    for kind, pattern in _FINDERS:
        for match in pattern.finditer(text):
            value = match[0].rstrip(".,:;!?'\")]}") if kind == "url" else match[0]
            offset, length = utf16(text[: match.start()]), utf16(value)
            if not _overlaps((offset, offset + length), taken):
                taken.append((offset, offset + length))
                found.append({"type": kind, "offset": offset, "length": length})
    return _sorted([*given, *found])


def part(text: str, entity: Entity) -> str:
    """The part of the text that an entity covers."""
    units = text.encode("utf-16-le", "surrogatepass")
    begin, end = _span(entity)
    return units[2 * begin : 2 * end].decode("utf-16-le", "replace")


def _formed(entity: Entity, text: str, parsed: bool) -> Entity | None:
    """Validate an entity; None for an invalid link, whose text silently stays."""
    kind = entity["type"]
    if kind not in _GIVEN | _FOUND:
        raise breach(f"can't parse MessageEntity: unsupported type {kind}")
    begin, end = _span(entity)
    if begin < 0 or end <= begin or end > utf16(text):
        raise breach("ENTITY_BOUNDS_INVALID")
    if part(text, entity).count(_HALF) > text.count(_HALF):
        raise breach("entity begins or ends in the middle of a UTF-16 symbol")
    if kind in _FOUND:
        return None  # Telegram finds these itself
    return _linked(dict(entity)) if kind == "text_link" else dict(entity)


def _linked(entity: Entity) -> Entity | None:
    address = urlsplit(entity["url"] if "//" in entity["url"] else f"http://{entity['url']}")
    if address.scheme == "tg" and address.netloc == "user":
        of = {"id": int(parse_qs(address.query)["id"][0]), "is_bot": False, "first_name": ""}
        return {**entity, "type": "text_mention", "user": of} | {"url": None}
    if address.scheme not in ("http", "https", "tg", "ton"):
        return None
    if address.scheme.startswith("http") and not re.search(r"\w\.\w", address.netloc):
        return None
    whole = address if address.path else address._replace(path="/")
    return {**entity, "url": whole.geturl()}


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Trim white space at both ends, as Telegram shows messages."""
    kept = text.rstrip()
    cut = utf16(kept) - utf16(kept.lstrip())
    kept, moved = kept.lstrip(), []
    for one in entities:
        begin, end = _span(one)
        begin, end = max(begin - cut, 0), min(end - cut, utf16(kept))
        if begin < end:
            moved.append({**one, "offset": begin, "length": end - begin})
    return kept, moved


def _in_order(entities: list[Entity]) -> list[Entity]:
    """Sort the entities. Formatting that overlaps code is cut there; inside code it is dropped."""
    code = [_span(one) for one in entities if one["type"] in ("code", "pre")]
    kept: list[Entity] = []
    for one in entities:
        clean = {key: value for key, value in one.items() if value is not None}
        if one["type"] in _SPLITTABLE:
            kept += [{**clean, "offset": a, "length": b - a} for a, b in _without(_span(one), code)]
        elif one["type"] in _WHOLE or not _overlaps(_span(one), code):
            kept.append(clean)
    return _sorted(kept)


def _without(span: tuple[int, int], holes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    left = [span]
    for begin, end in holes:
        parts = [((a, min(b, begin)), (max(a, end), b)) for a, b in left]
        left = [(a, b) for two in parts for a, b in two if a < b]
    return left


def _span(entity: Entity) -> tuple[int, int]:
    return entity["offset"], entity["offset"] + entity["length"]


def _overlaps(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(span[0] < end and begin < span[1] for begin, end in others)


def _sorted(entities: list[Entity]) -> list[Entity]:
    def place(one: Entity) -> Any:
        rank = _ORDER.index(one["type"]) if one["type"] in _ORDER else len(_ORDER)
        return one["offset"], -one["length"], rank

    return sorted(entities, key=place)
