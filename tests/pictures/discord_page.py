"""Draw messages as an HTML page in the style of Discord's dark theme."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from tests.counterparts.discord.people import Seen
from tests.pictures.drawing import PICTURE, whole

STYLE = Path(__file__).with_name("discord.css").read_text(encoding="utf-8")
_MARKUP = re.compile(
    r"\\(?P<plain>.)"
    r"|\*\*(?P<bold>.+?)\*\*"
    r"|\[(?P<text>(?:\\.|[^\]\\])+)\]\(<?(?P<url>[^)>]+)>?\)"
    r"|(?P<bare>https://\S+)"
)


def page(messages: Iterable[Seen], names: Mapping[str, str], thread: str = "") -> str:
    """Return the page of the messages, in order. `thread` names the thread below the first one."""
    first, *others = (_message(message, names[message.author]) for message in messages)
    hung = f"<div class=thread>{escape(thread)} ›</div>" if thread else ""
    return whole(STYLE, "".join([first, hung, *others]))


def _message(message: Seen, name: str) -> str:
    is_bot = name == "Tubethread"
    head = (
        f"<h3 class={'bot' if is_bot else 'person'}>{name}"
        f"{'<span class=app>APP</span>' if is_bot else ''}<time>Today at 10:32</time></h3>"
    )
    face = f"<div class='face {'bot' if is_bot else 'person'}'>{name[0]}</div>"
    parts = [f"<div class=text>{markdown(message.text)}</div>" if message.text else ""]
    parts += [_embed(embed) for embed in message.embeds]
    parts += [_row(row) for row in message.raw["components"]]
    return f"<section>{face}{head}{''.join(parts)}</section>"


def _embed(embed: Mapping[str, Any]) -> str:
    picture = f"<div class=thumbnail>{PICTURE}</div>" if embed.get("thumbnail") else ""
    title = f"<a class=title>{markdown(embed['title'])}</a>"
    text = f"<div class=text>{markdown(embed['description'])}</div>"
    return f"<div class=embed>{picture}{title}{text}</div>"


def _row(row: Mapping[str, Any]) -> str:
    buttons = [f"<button>{escape(one['label'])}</button>" for one in row["components"]]
    return f"<div class=row>{''.join(buttons)}</div>"


def markdown(text: str) -> str:
    """Convert Discord's Markdown to HTML.

    >>> markdown(r"**Bees** \\*dance\\* [0:04](<https://youtu.be/x?t=4>)")
    '<b>Bees</b> *dance* <a>0:04</a>'
    """
    drawn = ""
    for line in text.split("\n"):
        if line.startswith("- "):
            drawn = drawn.removesuffix("<br>") + f"<li>{_inline(line[2:])}</li>"
        elif line:
            drawn += f"{_inline(line)}<br>"
        else:
            drawn = drawn.removesuffix("<br>") + "<div class=gap></div>"
    return drawn.removesuffix("<br>")


def _inline(text: str) -> str:
    drawn, at = [], 0
    for found in _MARKUP.finditer(text):
        drawn.append(escape(text[at : found.start()], quote=False))
        drawn.append(_drawn(found))
        at = found.end()
    return "".join([*drawn, escape(text[at:], quote=False)])


def _drawn(found: re.Match[str]) -> str:
    if found["plain"]:
        return escape(found["plain"], quote=False)
    if found["bold"]:
        return f"<b>{_inline(found['bold'])}</b>"
    if found["bare"]:
        return f"<a>{escape(found['bare'])}</a>"
    return f"<a>{_inline(found['text'])}</a>"
