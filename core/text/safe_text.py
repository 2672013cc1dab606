"""This file makes a language model's words safe to show: no links, no mentions, no markup, and no
square brackets but the markers that code has put there.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.text.display import one_line, printable, shorten

STREAM_CHARACTERS = 6000
_URL = re.compile(
    r"""\(?(?:[a-z][\w+.-]*://|www\.|mailto:|javascript:|data:)[^\s)]*\)?
    |(?:[\w-]+\.)+[a-z]{2,}/[^\s)]*""",
    re.IGNORECASE | re.VERBOSE,
)
_MENTION = re.compile(r"(?<!\w)@(?=[\w!&])")
_MARKUP = re.compile(r"\*\*|`|^#{1,6}(?=\s|$)|[\[\]【】［］]")
_NUMBERS = r"\s*\d+(?:\s*(?:[-–—~,;、]|,?\s*and)\s*\d+)*\s*"
_MARKER = re.compile(rf"[\[【［]{_NUMBERS}[\]】］]")
_LONGEST_MARKER = 40
# What can be judged by itself, once it is known to be complete: a bracket, blanks, a word. CJK is
# written without blanks, so there a word ends at its punctuation too.
_UNIT = re.compile(
    rf"""(?P<bracket>[\[【［][^\[\]【】［］\n]{{0,{_LONGEST_MARKER}}}[\]】］])
    |(?P<lone>[\[【［](?=[^\]】］]{{{_LONGEST_MARKER}}}|[^\]】］]*[\[【［\n]))
    |(?P<blanks>\s+)(?=\S)
    |(?P<word>[^\s\[【［]+?(?:[。、，！？]|(?=[\s\[【［])))""",
    re.VERBOSE,
)
_CLOSING = re.compile(r"[.,;:!?)]+")
_CUT_MARKER = re.compile(r"[\[【［][\s\d,;、–—~-]*$")

MarkCitation = Callable[[str, str], str]
"""(what stands between the brackets, the sentence before them) → the markers to show, or ""."""


def safe_line(text: str, most: int) -> str:
    """On one line, at most `most` characters; markers go, since nothing here resolves them.

    >>> safe_line("**Bees** dance [12] at https://evil.example @everyone", 100)
    'Bees dance at @\u200beveryone'
    """
    return shorten(one_line(_word(_MARKER.sub(" ", one_line(text)))), most)


class SafeStream:
    """Text that comes in pieces cut anywhere: out comes what can be shown for good.

    Joined, what `feed` and `close` return has neither blanks around it nor a link in it, and every
    `[` in it was written by `mark`. Nothing is held back longer than a word or a marker.
    """

    def __init__(self, mark: MarkCitation) -> None:
        self._mark = mark
        self._held = ""
        self._blanks = ""
        self._sentence = ""
        self._shown = 0

    def feed(self, piece: str) -> str:
        """What can be shown now, maybe nothing."""
        self._held += printable(piece)
        return self._release()

    def close(self) -> str:
        """The rest. A marker that was cut off is no marker."""
        self._held = _CUT_MARKER.sub("", self._held) + "\n\n"
        out = self._release()
        self._held = self._held.lstrip("[【［")
        return out + self._release()

    def _release(self) -> str:
        out, end = "", 0
        while unit := _UNIT.match(self._held, end):
            end = unit.end()
            out += self._judge(unit)
        self._held = self._held[end:]
        return out

    def _judge(self, unit: re.Match[str]) -> str:
        text = unit.group()
        if unit.lastgroup == "blanks":
            self._blanks += text
            return ""
        if _MARKER.fullmatch(text):
            # Not marked where it could not be shown: what is marked is listed as a source.
            has_room = self._shown + _LONGEST_MARKER < STREAM_CHARACTERS
            return self._show(self._mark(text[1:-1], self._sentence.strip()) if has_room else "")
        if re.search(r"[.?!。？！…][\"'”’)]*$", self._sentence):
            self._sentence = ""
        if unit.lastgroup != "word":
            self._blanks = self._blanks or " "
        shown = self._show(_word(text))
        self._sentence += shown
        if unit.lastgroup != "word":
            self._blanks = " "
        return shown

    def _show(self, text: str) -> str:
        """The text after the blanks before it: a full stop follows what it closes."""
        if self._shown + len(text) > STREAM_CHARACTERS:
            self._shown, text = STREAM_CHARACTERS, ""
        if not text:
            # A blank for what is left out, so that nothing grows together to a link.
            self._blanks = self._blanks or " "
            return ""
        blanks = "\n\n"[: self._blanks.count("\n")] or self._blanks[:1]
        if not self._shown or (blanks == " " and _CLOSING.fullmatch(text)):
            blanks = ""
        self._blanks = ""
        self._shown += len(blanks) + len(text)
        return blanks + text


def _word(text: str) -> str:
    return _MENTION.sub("@\u200b", _URL.sub(" ", _MARKUP.sub("", text))).strip()
