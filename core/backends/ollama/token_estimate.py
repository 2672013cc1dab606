"""This file estimates how many tokens a text takes for a model whose tokenizer nobody can ask."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from core.text.tokens import cjk_characters

_PLAIN_RATE, _CJK_RATE = 1 / 3.2, 1.0
"""Tokens a character before anything is known. Qwen takes 0.26 to 0.29 for spoken English and
0.5 to 0.85 for written Korean, blanks and digits counted in."""
_LOWEST, _HIGHEST, _MARGIN = 0.7, 4.0, 1.1
_WRAPPING, _MESSAGE_WRAPPING = 16, 8
"""What the chat template adds to a prompt and to each message."""
_ONE_SCRIPT = 0.75
"""Share of the first estimate from which on a prompt counts as written in one script."""
_SURE_FROM = 200
"""Tokens: the counts of shorter prompts say more about the template than about the text."""
_CUT_BELOW = 0.45
"""Share of the first estimate. The thriftiest tokenizers need more for any text of words, and what
Ollama leaves of a prompt it cuts is half a context."""
_PLAIN_WORD = re.compile("[A-Za-z]+")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class TokenEstimate:
    """An estimate that errs upward: by script first, then by the counts the model reports.

    A count above the estimate raises it for good. Until then counts below lower it for the script
    they are made of: to a tenth above the highest seen, never below seven tenths of the first.
    """

    def __init__(self) -> None:
        self._factors = {"plain": 1.0, "cjk": 1.0, "rest": 1.0}
        self._wrapping = _WRAPPING
        self._highest: dict[str, float] = {}
        self._was_surprised = False

    def tokens(self, text: str) -> int:
        """Digits, signs and other scripts count one a character: few take more."""
        first = _first_estimate(text)
        return ceil(sum(first[script] * self._factors[script] for script in first))

    def prompt_tokens(self, texts: Sequence[str]) -> int:
        """The whole prompt: one text a message, and what the model's template adds."""
        wrapping = self._wrapping + _MESSAGE_WRAPPING * len(texts)
        return wrapping + sum(self.tokens(text) for text in texts)

    def was_cut(self, texts: Sequence[str], counted: int) -> bool:
        """Whether the model can have read so few tokens only by leaving some out."""
        first = TokenEstimate().prompt_tokens(texts)
        return first >= _SURE_FROM and counted < _CUT_BELOW * first

    def learn(self, texts: Sequence[str], counted: int) -> None:
        """Takes the count of a prompt that was read whole or refused; 0 teaches nothing."""
        if not counted:
            return
        estimated = self.prompt_tokens(texts)
        if counted > estimated and estimated < _SURE_FROM:
            self._wrapping += counted - estimated
        elif counted > estimated:
            self._was_surprised = True
            factor = counted / estimated * _MARGIN
            self._factors = {k: min(v * factor, _HIGHEST) for k, v in self._factors.items()}
        elif estimated >= _SURE_FROM and not self._was_surprised:
            self._lower(_first_estimate("".join(texts)), counted)

    def _lower(self, first: dict[str, float], counted: int) -> None:
        """Of a prompt in one script. Its signs and digits are taken to be cheap, so that the script
        is not taken to be cheaper than it is."""
        total = sum(first.values())
        for script in ("plain", "cjk"):
            if first[script] >= _ONE_SCRIPT * total:
                ratio = (counted - _ONE_SCRIPT * (total - first[script])) / first[script]
                highest = max(self._highest.get(script, 0.0), ratio)
                self._highest[script] = highest
                self._factors[script] = min(max(highest * _MARGIN, _LOWEST), 1.0)


def _first_estimate(text: str) -> dict[str, float]:
    """Tokens by script, from characters alone."""
    words = _PLAIN_WORD.findall(text)
    plain = sum(map(len, words)) + text.count(" ")
    cjk = 0 if text.isascii() else cjk_characters(text)
    # Emoji fall back to their four bytes.
    rest = len(text) - plain - cjk + 3 * len(_ASTRAL.findall(text))
    # A word takes one token at the least: "I I I".
    first = max(plain * _PLAIN_RATE, len(words))
    return {"plain": first, "cjk": cjk * _CJK_RATE, "rest": float(rest)}
