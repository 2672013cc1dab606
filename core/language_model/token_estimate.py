"""Estimate the tokens of a text, because model servers offer no common access to the tokenizer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from core.text.tokens import cjk_characters

_PLAIN_RATE, _CJK_RATE = 1 / 3.2, 1.0
"""Initial tokens per character. Qwen needs 0.26 to 0.29 for spoken English and 0.5 to 0.85 for
written Korean, including blanks and digits."""
_MIN_FACTOR, _MAX_FACTOR, _MARGIN = 0.7, 4.0, 1.1
_WRAPPING, _MESSAGE_WRAPPING = 16, 8
"""Tokens that the chat template adds to a prompt and to each message."""
_ONE_SCRIPT = 0.75
"""Share of the initial estimate above which a prompt counts as written in one script."""
_SURE_FROM = 200
"""In tokens. Counts of shorter prompts depend more on the template than on the text."""
_CUT_BELOW = 0.45
"""Share of the initial estimate. The most efficient tokenizers need more for any prose, and a
server that truncates, such as Ollama, keeps half a context."""
_PLAIN_WORD = re.compile("[A-Za-z]+")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class TokenEstimate:
    """An estimate that errs upward: first by script, then corrected by the model's own counts.

    A count above the estimate raises it permanently. Before that, lower counts lower it for their
    script: to a tenth above the highest ratio seen, never below seven tenths of the initial one.
    """

    def __init__(self) -> None:
        self._factors = {"plain": 1.0, "cjk": 1.0, "rest": 1.0}
        self._wrapping = _WRAPPING
        self._highest: dict[str, float] = {}
        self._was_surprised = False

    def tokens(self, text: str) -> int:
        """Count digits, signs and other scripts as one token a character: few need more."""
        first = _first_estimate(text)
        return ceil(sum(first[script] * self._factors[script] for script in first))

    def prompt_tokens(self, texts: Sequence[str]) -> int:
        """Estimate a whole prompt, one text per message, including the chat template."""
        wrapping = self._wrapping + _MESSAGE_WRAPPING * len(texts)
        return wrapping + sum(self.tokens(text) for text in texts)

    def was_cut(self, texts: Sequence[str], counted: int) -> bool:
        """Whether so low a count means that the prompt was truncated."""
        first = TokenEstimate().prompt_tokens(texts)
        return first >= _SURE_FROM and counted < _CUT_BELOW * first

    def learn(self, texts: Sequence[str], counted: int) -> None:
        """Learn from the count of a prompt that was read whole or refused. Ignores 0."""
        if not counted:
            return
        estimated = self.prompt_tokens(texts)
        if counted > estimated and estimated < _SURE_FROM:
            self._wrapping += counted - estimated
        elif counted > estimated:
            self._was_surprised = True
            factor = counted / estimated * _MARGIN
            self._factors = {k: min(v * factor, _MAX_FACTOR) for k, v in self._factors.items()}
        elif estimated >= _SURE_FROM and not self._was_surprised:
            self._lower(_first_estimate("".join(texts)), counted)

    def _lower(self, first: dict[str, float], counted: int) -> None:
        """Lower the factor of a prompt's script, if it is in one script.

        Assumes that its signs and digits were cheap, so as not to underestimate the script."""
        total = sum(first.values())
        for script in ("plain", "cjk"):
            if first[script] >= _ONE_SCRIPT * total:
                ratio = (counted - _ONE_SCRIPT * (total - first[script])) / first[script]
                highest = max(self._highest.get(script, 0.0), ratio)
                self._highest[script] = highest
                self._factors[script] = min(max(highest * _MARGIN, _MIN_FACTOR), 1.0)


def _first_estimate(text: str) -> dict[str, float]:
    """Estimate tokens by script, from characters alone."""
    words = _PLAIN_WORD.findall(text)
    plain = sum(map(len, words)) + text.count(" ")
    cjk = 0 if text.isascii() else cjk_characters(text)
    # Emoji may take a token for each of their four bytes.
    rest = len(text) - plain - cjk + 3 * len(_ASTRAL.findall(text))
    # A word takes at least one token: "I I I".
    first = max(plain * _PLAIN_RATE, len(words))
    return {"plain": first, "cjk": cjk * _CJK_RATE, "rest": float(rest)}
