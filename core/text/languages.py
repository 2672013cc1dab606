"""Tell in which of our languages a text is written, by its letters."""

from __future__ import annotations

_MOSTLY = 0.5
_PARTLY = 0.2
"""Korean texts are full of English names and terms; English ones have few Korean letters."""


def is_written_in(text: str, language: str) -> bool:
    """Whether the text can be in the language, "en" or "ko". True for a text without letters.

    >>> is_written_in("Whisper와 OpenAI를 비교해요", "ko"), is_written_in("Bees dance.", "ko")
    (True, False)
    """
    share = _hangul_share(text)
    if share is None or language not in ("en", "ko"):
        return True
    return share >= _PARTLY if language == "ko" else share < _MOSTLY


def _hangul_share(text: str) -> float | None:
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return None
    return sum("가" <= letter <= "힣" for letter in letters) / len(letters)
