"""Tell sentences that say little on their own: "It can dive", "Now we talk about whales"."""

from __future__ import annotations

import re

_POINTS_BACK = re.compile(
    r"\W*(?:(?:it|its|they|their|he|she|his|her|this|that|these|those)\b|(?:그|이)(?:것|는|\s))",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(
    r"""\b(?:we|i|let|today|part)\b.*\b(?:talk|look|turn|discuss|explain|introduce|learn|about)\b
    |(?:이야기|말씀|설명|소개)(?:하|드리|해)|알아보|알아볼|살펴보|살펴볼""",
    re.IGNORECASE | re.VERBOSE,
)


def points_back(text: str) -> bool:
    """Whether `text` opens with "It", "They" …: alone it does not say what it is about."""
    return bool(_POINTS_BACK.match(text))


def announces(text: str) -> bool:
    """Whether `text` says what will be spoken of rather than something about it."""
    return bool(_ANNOUNCES.search(text))
