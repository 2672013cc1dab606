"""This file writes a document's parts in Telegram's HTML, and reads what will be seen of it.

Texts are hostile: in them nothing is a tag or mentions anybody. Addresses that Telegram finds in a
bare text show where they lead, and get no preview.
"""

from __future__ import annotations

import html
import re

from core.model import Answer, Citation
from core.text.display import clock, one_line, printable, utf16_length

ENTITY_UNITS = 42
"""Telegram forgets the entities beyond `MessageLimit.MESSAGE_ENTITIES`, 100: a text within 4096
units holds no more than 97 of them if each is taken to be so long."""

_TAG = re.compile(r"</?(?:a|b)\b[^<>]*>")
_MENTION = re.compile(r"@(?=\w)")


class TelegramHtml:
    """Fulfils `Style`. No tag stands inside another one."""

    def heading(self, level: int, text: str) -> str:
        return f"<b>{self.text(text)}</b>"

    def text(self, text: str) -> str:
        """
        >>> TelegramHtml().text("<b> & @ada")
        '&lt;b&gt; &amp; @\\u200bada'
        """
        return html.escape(without_mentions(one_line(text)), quote=False)

    def address(self, url: str) -> str:
        return link(url, url)

    def at(self, second: float, url: str, text: str) -> str:
        return f"{link(clock(second), url)} {self.text(text)}"

    def spoken(self, second: float, url: str, text: str) -> str:
        return self.at(second, url, text)

    def source(self, citation: Citation) -> str:
        line = self.at(citation.start_s, citation.url, f"“{citation.quote}”")
        return f"[{citation.n}] {line}"

    def answer(self, answer: Answer) -> str:
        lines = printable(answer.text).strip().split("\n")
        text = "\n".join(map(self.text, lines))
        for citation in answer.citations:
            marker = f"[{citation.n}]"
            text = text.replace(marker, link(marker, citation.url))
        return text


def without_mentions(text: str) -> str:
    """It calls nobody."""
    return _MENTION.sub("@\u200b", text)


def link(text: str, url: str) -> str:
    """A link that nothing in the address can end; of a file's own name there is none."""
    if not url.startswith(("https://", "http://")):
        return html.escape(text, quote=False)
    return f'<a href="{html.escape(url)}">{html.escape(text, quote=False)}</a>'


def visible_text(markup: str) -> str:
    """What people see of it.

    >>> visible_text('<b>A</b> &lt; <a href="https://b.example">c</a>')
    'A < c'
    """
    return html.unescape(_TAG.sub("", markup))


def length(markup: str) -> int:
    """How much of a text's limit it takes: of its units and of its entities what is nearer to its
    limit."""
    entities = sum(not tag.startswith("</") for tag in _TAG.findall(markup))
    return max(utf16_length(visible_text(markup)), ENTITY_UNITS * entities)
