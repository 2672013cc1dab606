"""Tell a question that leans on the conversation ("And the second one?"), and complete it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.text.question_words import strip_question
from core.text.tokens import tokenise

_MAX_WORDS = 4
"""Content words of a question that points back. A longer one says what it is about: of QMSum's
questions, which stand alone, one of thirty has fewer and a word such as "it"."""
_POINTER = re.compile(
    r"""\b(?:it|its|they|them|their|he|him|his|she|her|that|this|those|these|ones?|there|others?
    |another|else)\b|^(?:and|but|or|so|what\sabout|how\sabout)\b
    |(?:^|\s)(?:그거|그것|그게|그건|그걸|그럼|그러면|그리고|그런데|그래서|그중|그때|거기|그곳|그분|그\s|이거|이것|이게|이건
    |저거|저것|또|다른|나머지|더\s자세히|[첫두세네]\s?번째)""",
    re.IGNORECASE | re.VERBOSE,
)
_OVERVIEW = re.compile(
    r"\b(?:videos?|talk|main|points?|summar\w*|said)\b|\babout\W*$|영상|내용|요약|이야기|주제",
    re.IGNORECASE,
)
"""What is asked of the whole video, at any time: "What is this about?"."""


def leans(question: str) -> bool:
    """Whether the question is only understood with the ones before it.

    >>> [leans(q) for q in ("And the second one?", "Why?", "그럼 왜요?")]
    [True, True, True]
    >>> [leans(q) for q in ("What is said about bees?", "What is this about?")]
    [False, False]
    """
    content = sum(bool(tokenise(word)) for word in strip_question(question).split())
    if not content:
        return not _OVERVIEW.search(question)
    return content <= _MAX_WORDS and bool(_POINTER.search(question))


def in_context(question: str, earlier: Sequence[str]) -> str:
    """Return the question after the last earlier one that stands alone, if it leans on that.

    >>> in_context("And in winter?", ["Who found the queen?", "Why?"])
    'Who found the queen? And in winter?'
    """
    if not leans(question):
        return question
    alone = next((one for one in reversed(earlier) if not leans(one)), "")
    return f"{alone} {question}".strip()
