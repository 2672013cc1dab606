"""The words of a search, and which of them a text says: the same forms that the indexes match."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.text.display import shorten
from core.text.question_words import strip_question
from core.text.tokens import cjk_characters, query_terms, tokenise


@dataclass(frozen=True, slots=True)
class QueryWords:
    """Words by spelling, each with the tokens that a text must have side by side."""

    tokens_of: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, query: str) -> QueryWords:
        """Take a query's words; of a question those that it is about.

        >>> list(QueryWords.of("machine learning").tokens_of)
        ['machine', 'learning']
        >>> list(QueryWords.of("What do we learn about bees?").tokens_of)
        ['bees']
        """
        asked = strip_question(query) if query.rstrip().endswith(("?", "？")) else query
        return cls(query_terms(asked) or query_terms(query))

    @property
    def tokens(self) -> list[str]:
        return [token for tokens in self.tokens_of.values() for token in tokens]

    def said_in(self, tokens: Sequence[str]) -> frozenset[str]:
        """Return the words that a tokenised text says.

        >>> words = QueryWords.of("꿀벌 dancing 벌")
        >>> sorted(words.said_in(["꿀벌", "벌은", "벌집", "집에"]))
        ['꿀벌', '벌']
        """
        text = f" {' '.join(tokens)} "
        return frozenset(word for word, own in self.tokens_of.items() if _needle(own) in text)

    def excerpt(self, text: str, limit: int) -> str:
        """Return at most `limit` characters of one line, around most of the words that it says.

        >>> QueryWords.of("Oslo").excerpt("In the north there are bees of Oslo.", 20)
        '…bees of Oslo.'
        """
        ends = [0, *(match.end() for match in re.finditer(r"\s+", text))]
        parts = [shorten(f"…{text[end:]}" if end else text, limit) for end in ends]
        said = [self.said_in(tokenise(part)) for part in parts]
        best = [i for i, words in enumerate(said) if len(words) == max(map(len, said))]
        return parts[best[len(best) // 3] if best[0] else 0]


def _needle(tokens: Sequence[str]) -> str:
    """Return what a text's joined tokens contain: all the tokens, in order.

    A single CJK character is also the beginning of a token: texts have bigrams."""
    is_beginning = len(tokens) == 1 and len(tokens[0]) == cjk_characters(tokens[0]) == 1
    return f" {' '.join(tokens)}" + ("" if is_beginning else " ")
