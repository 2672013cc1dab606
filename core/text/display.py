"""Prepare text for display: strip control characters, shorten, measure, format times and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

# What a terminal interprets: escape sequences (CSI, OSC), control characters (C0 except tab and
# line feed, C1), bidirectional overrides. Lone surrogates cannot be encoded at all.
_SEQUENCES = r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
_CONTROLS = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
_UNPRINTABLE = re.compile(f"{_SEQUENCES}|{_CONTROLS}")
OPENING_BRACKETS, CLOSING_BRACKETS = "[【［〔〖⟦❲⁅⦋", "]】］〕〗⟧❳⁆⦌"
"""In which citations stand here or elsewhere."""
_OPENING, _CLOSING = re.escape(OPENING_BRACKETS), re.escape(CLOSING_BRACKETS)
_NUMERAL = r"\d\u00b2\u00b3\u00b9\u2070-\u2089\u2460-\u24ff"
_LIKE_CITATION = re.compile(
    rf"[{_OPENING}]+([\s-]{{0,2}}[{_NUMERAL}][^{_OPENING}{_CLOSING}\n]{{0,40}})[{_CLOSING}]+"
)
_LINE_ENDS = re.compile(r"\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def printable(text: str) -> str:
    r"""Remove everything that a terminal would interpret; line ends become line feeds.

    >>> printable("\x1b[31mred\x1b[0m\r\nblue\x07")
    'red\nblue'
    """
    return _UNPRINTABLE.sub("", _LINE_ENDS.sub("\n", text))


def one_line(text: str) -> str:
    """Return the printable text on one line, so that it cannot imitate lines of our own output."""
    return " ".join(printable(text).split())


def unmarked(text: str) -> str:
    """Return what somebody said or wrote with round brackets where it looks like our citations.

    >>> unmarked("Proved [12], [Music] 【3】")
    'Proved (12), [Music] (3)'
    """
    return _LIKE_CITATION.sub(r"(\1)", text)


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units; a lone surrogate counts as one."""
    return len(text.encode("utf-16-le", errors="replace")) // 2


def shorten(text: str, limit: int, length: Callable[[str], int] = len) -> str:
    """Cut `text` to at most `limit` by `length`; "…" marks the cut.

    >>> shorten("Bees dance", 6), shorten("Bees dance", 10)
    ('Bees…', 'Bees dance')
    """
    if length(text) <= limit:
        return text
    kept = text[: limit - 1]
    while length(kept) >= limit:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def clock(seconds: float) -> str:
    """Format whole seconds as YouTube does.

    >>> clock(125.9), clock(3723)
    ('2:05', '1:02:03')
    """
    minutes, second = divmod(max(int(seconds), 0), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def to_json(value: object, *, indent: int | None = None) -> str:
    """Serialise to JSON: Korean stays readable, unprintable characters become `\\u` escapes.

    Without `indent` the result is one line, also for readers that split at U+2028."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return re.sub(_CONTROLS, lambda match: f"\\u{ord(match[0]):04x}", text)
