"""What Telegram makes a link of by itself in the visible text of a message.

After MessageEntity.cpp of TDLib, with every end of a domain (TDLib has a list of 1,400), so it
finds no less than Telegram does.
"""

from __future__ import annotations

import re

_DOT = "[.．。｡]"
_LABEL = r"(?:(?![_\s])[\w\u0300-\u036f\u0900-\u0dff\u200c\u200d-])+"
_KINDS = {
    "mention": r"(?<!\w)[@＠]\w{2,32}",
    "hashtag": r"(?<!\w)[#＃](?=\w*[^\W\d])[\w\u200c·]+",
    "cashtag": r"(?<!\w)\$[A-Z]{1,8}(?!\w)",
    "bot_command": r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?![\w/<>])",
    "email": rf"[\w.+:-]+@{_LABEL}(?:{_DOT}{_LABEL})+",
    "tg": r"(?i)(?:tg|ton|tonsite)://[\w-]+",
    "scheme": r"(?i)(?:https?|ftp)://\S+",
    "domain": rf"{_LABEL}(?:{_DOT}{_LABEL})*{_DOT}(?=[^\W\d]){_LABEL}",
    "ip": r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])",
}


def automatic_links(text: str) -> dict[str, str]:
    """The kind of each link → its text, one of each kind."""
    found = {kind: re.search(pattern, text) for kind, pattern in _KINDS.items()}
    return {kind: one[0] for kind, one in found.items() if one}


def all_links(text: str) -> list[tuple[str, str]]:
    """Every link as its kind and its text."""
    return [
        (kind, one[0]) for kind, pattern in _KINDS.items() for one in re.finditer(pattern, text)
    ]
