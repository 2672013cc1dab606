"""Draw messages as an HTML page in the style of Telegram's dark theme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.counterparts.telegram.people import Seen
from tests.pictures.drawing import PICTURE, whole

STYLE = Path(__file__).with_name("telegram.css").read_text(encoding="utf-8")
_TAGS = {"bold": "b", "italic": "i"}


def page(messages: Iterable[Seen], names: Mapping[int, str]) -> str:
    """Return the page of the messages, in order."""
    return whole(STYLE, "".join(_message(message, names) for message in messages))


def _message(message: Seen, names: Mapping[int, str]) -> str:
    name = names[message.author]
    kind = "bot" if name == "Tubethread" else "person"
    text = marked(message.text, message.raw.get("entities", ()))
    parts = [f"<h3 class={kind}>{name}</h3>", _reply(message, names), _picture(message), text]
    bubble = f"<div class=bubble>{''.join(parts)}<time>10:32</time></div>"
    rows = [f"<div class=row>{''.join(map(_button, row))}</div>" for row in message.buttons]
    return f"<section><div class='face {kind}'>{name[0]}</div>{bubble}{''.join(rows)}</section>"


def _reply(message: Seen, names: Mapping[int, str]) -> str:
    replied = message.raw.get("reply_to_message")
    if not replied:
        return ""
    text = escape(replied["text"].replace("\n", " ")[:90], quote=False)
    return f"<div class=reply><b>{names[replied['from']['id']]}</b>{text}</div>"


def _picture(message: Seen) -> str:
    if not message.preview.get("url"):
        return ""
    kind = "wide" if "prefer_large_media" in message.preview else "small"
    return f"<div class={kind}>{PICTURE}</div>"


def _button(label: str) -> str:
    return f"<button>{escape(label)}</button>"


def marked(text: str, entities: Sequence[Mapping[str, Any]]) -> str:
    """Convert text with Telegram's entities to HTML.

    >>> marked("🐝 a < b", [{"type": "bold", "offset": 3, "length": 1}])
    '🐝 <b>a</b> &lt; b'
    """
    units = text.encode("utf-16-le")
    spans = [(one["offset"], one["offset"] + one["length"], one["type"]) for one in entities]
    edges = sorted({0, len(units) // 2, *(edge for span in spans for edge in span[:2])})
    drawn = ""
    for start, end in pairwise(edges):
        piece = escape(units[2 * start : 2 * end].decode("utf-16-le"), quote=False)
        for first, last, kind in spans:
            if first <= start and end <= last:
                tag = _TAGS.get(kind, "a")
                piece = f"<{tag}>{piece}</{tag}>"
        drawn += piece
    return drawn
