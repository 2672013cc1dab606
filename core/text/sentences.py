"""Tell sentences that say little on their own: "It can dive", "Now we talk about whales"."""

from __future__ import annotations

import re
from collections.abc import Sequence

_POINTS_BACK = re.compile(
    r"\W*(?:(?:it|its|they|their|he|she|his|her|this|that|these|those)\b|(?:그|이)(?:것|는|\s))",
    re.IGNORECASE,
)
_ANNOUNCES = re.compile(
    r"""\b(?:we|i|let|today|part)\b.*\b(?:talk|look|turn|discuss|explain|introduce|learn|about)\b
    |(?:이야기|말씀|설명|소개)(?:하|드리|해)|알아보|알아볼|살펴보|살펴볼""",
    re.IGNORECASE | re.VERBOSE,
)
_END = re.compile(r"""(?:[.?!…。！？]|니다|[어아여에예해세네]요|[까군]요|죠|지요)[”’」』"')\]]*$""")
_MARKED = 0.5
"""The share of texts with a sentence end from which on one without it is broken off."""


def are_whole(texts: Sequence[str]) -> list[bool]:
    """Return for each text whether it ends as a sentence does and begins after an end, which parts
    of a sentence that was cut for its length do not. All are whole if most have no such end.

    >>> are_whole(["It rains.", "Because, as you know,", "the sun set.", "We go."])
    [True, False, False, True]
    """
    ends = [bool(_END.search(text.rstrip())) for text in texts]
    if sum(ends) < _MARKED * len(ends):
        return [True] * len(ends)
    return [end and before for end, before in zip(ends, [True, *ends], strict=False)]


def points_back(text: str) -> bool:
    """Whether `text` opens with "It", "They" …: alone it does not say what it is about."""
    return bool(_POINTS_BACK.match(text))


def announces(text: str) -> bool:
    """Whether `text` says what will be spoken of rather than something about it."""
    return bool(_ANNOUNCES.search(text))
