"""Make a language model's text safe to show: no links, mentions or markup, and no square brackets
except the citation markers that our code writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from core.text.display import (
    CLOSING_BRACKETS,
    OPENING_BRACKETS,
    one_line,
    printable,
    shorten,
)

STREAM_CHARACTERS = 6000
LONGEST_WORD = 500
"""A longer word is shown in parts with a blank between them, so that neither what is buffered nor
the time that it takes grows with it."""
# What may repeat begins only where such a run begins: else each letter of a long word would be
# tried, and the rest of the word read for each.
_URL = re.compile(
    r"""\(?(?:(?<![a-z\d+.-])[a-z\d+.-]+://|www\.|mailto:|javascript:|data:)[^\s)]*\)?
    |(?<![\w.-])[\w.-]+\.[a-z]{2,}/[^\s)]*""",
    re.IGNORECASE | re.VERBOSE,
)
_MENTION = re.compile(r"(?<!\w)@(?=[\w!&])")
_BRACKETS = re.escape(OPENING_BRACKETS + CLOSING_BRACKETS)
_MARKUP = re.compile(rf"\*\*|`|^#{{1,6}}(?=\s|$)|[{_BRACKETS}]")
_NUMBERS = r"\s*\d+(?:\s*(?:[-–—~,;、]|,?\s*and)\s*\d+)*\s*"
_MARKER = re.compile(rf"[\[【［]{_NUMBERS}[\]】］]")
_LONGEST_MARKER = 40
# The smallest complete piece of a stream: a bracket, blanks, a word or a part of a long one. CJK is
# written without blanks, so there a word ends at punctuation too.
_UNIT = re.compile(
    rf"""(?P<bracket>[\[【［][^\[\]【】［］\n]{{0,{_LONGEST_MARKER}}}[\]】］])
    |(?P<lone>[\[【［](?=[^\]】］]{{{_LONGEST_MARKER}}}|[^\]】］]*[\[【［\n]))
    |(?P<blanks>\s+)
    |(?P<word>[^\s\[【［]{{1,{LONGEST_WORD}}}?(?:[。、，！？]|(?=[\s\[【［])))
    |(?P<part>[^\s\[【［]{{{LONGEST_WORD}}}(?=[^\s\[【［。、，！？]))""",
    re.VERBOSE,
)
_SENTENCE_END, _END_CHARACTERS = re.compile(r"[.?!。？！…][\"'”’)]*$"), 8
_CLOSING = re.compile(r"[.,;:!?)]+")
_CUT_MARKER = re.compile(r"[\[【［][\s\d,;、–—~-]*$")

MarkCitation = Callable[[str, str], str]
"""(text between the brackets, the sentence before them) → the markers to show, or ""."""


def safe_line(text: str, limit: int) -> str:
    """Return safe text on one line of at most `limit` characters, without markers.

    >>> safe_line("**Bees** dance [12] at https://evil.example @everyone", 100)
    'Bees dance at @\u200beveryone'
    """
    return shorten(one_line(_clean_word(_MARKER.sub(" ", one_line(text)))), limit)


class SafeStream:
    """A stream of arbitrarily cut pieces, released as text that is safe to show and final.

    The joined output of `feed` and `close` has no surrounding blanks and no link, and every `[` in
    it was written by `mark`. At most one marker, or one word of LONGEST_WORD, is buffered: the work
    for a piece does not grow with what came before.
    """

    def __init__(self, mark: MarkCitation) -> None:
        self._mark = mark
        self._buffer = ""
        self._blanks = ""
        self._sentence = ""
        self._shown = 0

    def feed(self, piece: str) -> str:
        """Add a piece; return the text that is now complete, or ""."""
        self._buffer += printable(piece)
        return self._drain()

    def close(self) -> str:
        """Return the rest, without a marker that was cut off."""
        self._buffer = _CUT_MARKER.sub("", self._buffer) + "\n\n"
        out = self._drain()
        self._buffer = self._buffer.lstrip("[【［")
        return out + self._drain()

    def _drain(self) -> str:
        out, end = "", 0
        while unit := _UNIT.match(self._buffer, end):
            end = unit.end()
            out += self._process(unit)
        self._buffer = self._buffer[end:]
        return out

    def _process(self, unit: re.Match[str]) -> str:
        text = unit.group()
        if unit.lastgroup == "blanks":
            self._blanks = _shown_blanks(self._blanks + text)
            return ""
        if _MARKER.fullmatch(text):
            # Resolve a marker only where it still fits: every resolved one is listed as a source.
            has_room = self._shown + _LONGEST_MARKER < STREAM_CHARACTERS
            return self._show(self._mark(text[1:-1], self._sentence.strip()) if has_room else "")
        if _SENTENCE_END.search(self._sentence[-_END_CHARACTERS:]):
            self._sentence = ""
        if unit.lastgroup not in ("word", "part"):
            self._blanks = self._blanks or " "
        shown = self._show(_clean_word(text))
        self._sentence += shown
        if unit.lastgroup != "word":
            self._blanks = " "
        return shown

    def _show(self, text: str) -> str:
        """Prefix the pending blanks, except before closing punctuation, within the length limit."""
        if self._shown + len(text) > STREAM_CHARACTERS:
            self._shown, text = STREAM_CHARACTERS, ""
        if not text:
            # A blank replaces what was removed, so that its neighbours cannot join into a link.
            self._blanks = self._blanks or " "
            return ""
        blanks = self._blanks
        if not self._shown or (blanks == " " and _CLOSING.fullmatch(text)):
            blanks = ""
        self._blanks = ""
        self._shown += len(blanks) + len(text)
        return blanks + text


def _shown_blanks(blanks: str) -> str:
    return "\n\n"[: blanks.count("\n")] or blanks[:1]


def _clean_word(text: str) -> str:
    return _MENTION.sub("@\u200b", _URL.sub(" ", _MARKUP.sub("", text))).strip()
