"""Write Telegram's HTML, and compute the visible text of it.

Texts are untrusted: tags in them are escaped, and whatever Telegram would make a link of is broken
by a zero-width space: it shows the same, but can't be pressed. What looks like a citation of ours
is in round brackets.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from core.model import Answer, Citation
from core.text.display import clock, one_line, printable, unmarked, utf16_length

ENTITY_UNITS = 42
"""What each entity counts in `length`. Telegram drops the entities of a message after the first
`MessageLimit.MESSAGE_ENTITIES` (100); at 42 units each, a text of 4096 units holds at most 97."""

_TAG = re.compile(r"</?(?:a|b)\b[^<>]*>")
_LINKED = re.compile(
    r"""[@＠](?=\w)                 # @name, me@mail.example
    |[#＃](?=\w)                    # a hashtag, searched when pressed
    |\$(?=[A-Z])                    # a cashtag
    |(?<![\w/<])/(?=\w)             # a command, sent when pressed
    |:(?=//)                        # a scheme
    |(?<=\d)\.(?=\d+\.\d+\.\d)      # 1.2.3.4
    |[.．。｡](?=[^\W\d])             # a domain in any script; their ends are too many to list
    |(?<!\d)[.．。｡](?=\d)           # a domain whose part begins with a digit; not 3.11
    """,
    re.VERBOSE,
)
"""Where a link begins or can be broken. The rules are those of TDLib's MessageEntity.cpp, and
wider: a dot too many costs nothing that one sees."""


class TelegramHtml:
    """`Style` in Telegram's HTML. Tags are never nested."""

    def heading(self, level: int, text: str) -> str:
        return self.strong(text)

    def strong(self, text: str) -> str:
        return f"<b>{self.text(text)}</b>"

    def text(self, text: str) -> str:
        """
        >>> TelegramHtml().text("<b> & @ada")
        '&lt;b&gt; &amp; @\\u200bada'
        """
        return self._unlinked_line(unmarked(text))

    def hashtags(self, tags: Sequence[str]) -> str:
        """Leave those of a summary pressable, without anything but letters and digits."""
        cleaned = filter(None, (re.sub(r"\W", "", tag) for tag in tags))
        return self.ours(" ".join(f"#{tag}" for tag in cleaned))

    def _unlinked_line(self, text: str) -> str:
        return self.ours(self.unlinked(one_line(text)))

    def ours(self, text: str) -> str:
        return html.escape(one_line(text), quote=False)

    def unlinked(self, text: str) -> str:
        return unlinked(text)

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
        text = "\n".join(map(self._unlinked_line, lines))
        for citation in answer.citations:
            marker = f"[{citation.n}]"
            text = text.replace(marker, link(marker, citation.url))
        return text


def unlinked(text: str) -> str:
    """Break what Telegram would make a link of.

    >>> unlinked("evil.example, 3.11")
    'evil.\\u200bexample, 3.11'
    """
    return _LINKED.sub("\\g<0>\u200b", text)


def link(text: str, url: str) -> str:
    """Return an escaped link, or only the text if `url` is a file's name."""
    if not url.startswith(("https://", "http://")):
        return html.escape(text, quote=False)
    return f'<a href="{html.escape(url)}">{html.escape(text, quote=False)}</a>'


def visible_text(markup: str) -> str:
    """Return the text that people see.

    >>> visible_text('<b>A</b> &lt; <a href="https://b.example">c</a>')
    'A < c'
    """
    return html.unescape(_TAG.sub("", markup))


def length(markup: str) -> int:
    """Return the length of a text in UTF-16 units, or more if its entities are closer to their
    limit than its text."""
    entities = sum(not tag.startswith("</") for tag in _TAG.findall(markup))
    return max(utf16_length(visible_text(markup)), ENTITY_UNITS * entities)
