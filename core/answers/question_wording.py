"""Word questions that a sentence answers, by what it does: defines, compares, says how or why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from core.text.tokens import STOP_WORDS, words

MAX_WORDS = 8
"""A longer clause makes a clumsy question."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A question, and the words that a place that answers it must say."""

    text: str
    about: str
    source: str = ""
    """The sentence that answers it, if one is known."""


def worded(phrase: str, sentences: Sequence[str], language: str) -> Iterator[Wording]:
    """Yield questions about the phrase that the sentences seem to answer, the best first.

    Korean for "ko", else English.

    >>> next(worded("BLEU", ["So BLEU is a metric for translations."], "en")).text
    'What is BLEU?'
    >>> next(worded("padding", ["Now we see how to apply dynamic padding here."], "en")).text
    'How do you apply dynamic padding?'
    """
    having = [sentence for sentence in sentences if phrase.casefold() in sentence.casefold()]
    about, clauses = (_KO_ABOUT, _KO_CLAUSES) if language == "ko" else (_EN_ABOUT, _EN_CLAUSES)
    for pattern, question in about:
        at = re.compile(pattern.replace("{phrase}", re.escape(phrase)), re.IGNORECASE)
        for match in filter(None, map(at.search, having)):
            if text := _fill(question, phrase, match):
                yield Wording(text, phrase, match.string)
    own = {stem for stem, _ in words(phrase)} or {phrase}
    cut = _korean_clause if language == "ko" else _english_clause
    for pattern, question in clauses:
        for match in chain.from_iterable(re.finditer(pattern, text) for text in having):
            clause = cut(match["clause"])
            if clause and (own & {stem for stem, _ in words(clause)} or phrase in clause):
                yield Wording(question.format(clause), clause, match.string)


def plain(phrase: str, number: int, language: str) -> Wording:
    """Return a question that any phrase fits into; `number` varies its words."""
    wording = _KO_PLAIN if language == "ko" else _EN_PLAIN
    return Wording(wording[number % len(wording)].format(phrase), phrase)


_START = r"^\W*(?:(?:so|and|now|well|okay|but|basically|then|here)\W+)*(?P<article>an? |the )?"
_EN_ABOUT = (
    (
        _START + r"{phrase} (?P<be>is|are) (?:basically |just |simply |actually )?"
        r"an?\b",
        "What {be} {article}{phrase}?",
    ),
    (r"\b{phrase} (?P<be>is|are) used (?:to|for)\b", "What {be} {phrase} used for?"),
    (r"\b{phrase} stands for\b", "What does {phrase} stand for?"),
    (
        r"\b(?P<what>problem|issue|drawback|downside)s? (?:of|with) "
        r"(?P<article>the |an? )?{phrase}\b",
        "What is the {what} with {article}{phrase}?",
    ),
    (
        r"(?<!take )\b(?P<what>advantage|benefit|disadvantage|limitation)s? of "
        r"(?P<article>the |an? )?{phrase}\b",
        "What are the {what}s of {article}{phrase}?",
    ),
    (
        r"\b(?<!all )(?P<what>type|kind)s of {phrase}\b",
        "What {what}s of {phrase} are there?",
    ),
    (r"\bhow (?P<article>the |an? )?{phrase} works\b", "How does {article}{phrase} work?"),
    (
        r"\b(?P<article>the |an? )?{phrase} (?:lets|allows|enables|helps) (?:you|us)\b",
        "What does {article}{phrase} let you do?",
    ),
    (
        _START + r"{phrase} (?P<be>is|are) (?:very |really |so |also |quite )?"
        r"(?P<quality>important|useful|necessary|essential|crucial|helpful)\b",
        "Why {be} {article}{phrase} {quality}?",
    ),
)
_EN_CLAUSES = (
    (
        r"\bdifferences? between (?P<clause>(?:[\w'-]+ ){1,4}and (?:[\w'-]+ ?){1,4})",
        "What is the difference between {}?",
    ),
    (
        r"\bhow (?:to|(?:you|we|I) can|can (?:you|we|I)|do (?:you|we|I)) "
        r"(?P<clause>[a-z][\w'-]*(?: [\w'-]+)+)",
        "How do you {}?",
    ),
    (
        r"\bwhy (?:you|we|I|people) (?P<clause>(?:need|use|want|have)(?: [\w'-]+)+)",
        "Why do you {}?",
    ),
)
_EN_PLAIN = ("What is said about {}?", "What does the video say about {}?")

_KO_WORD = r"[가-힣A-Za-z0-9+#.-]+"
_KO_DEFINES = "(?:이?란|이?라는 (?:것은|건|거는)|이?라고 하는 (?:것은|건|거는)) "
_KO_ABOUT = (
    (
        "{phrase}" + _KO_DEFINES + ".*(?:입니다|거죠|거예요|것이다|말합니다|뜻|의미)",
        "{phrase}{이란} 무엇인가요?",
    ),
    (
        "{phrase}[은는이가] (?:굉장히 |매우 |아주 |정말 |가장 |제일 )?중요(?!하지)",
        "{phrase}{이} 왜 중요한가요?",
    ),
)
_KO_CLAUSES = (
    (
        rf"(?P<clause>{_KO_WORD}(?:와|과|하고) {_KO_WORD}?)(?:의|에)? 차이",
        "{}의 차이는 무엇인가요?",
    ),
    (
        rf"(?P<clause>{_KO_WORD}[을를] (?:{_KO_WORD} )?[가-힣]+는) 방법",
        "{} 방법은 무엇인가요?",
    ),
    (
        rf"(?P<clause>{_KO_WORD}[이가을를] (?:{_KO_WORD} )?[가-힣]+[는은]) 이유",
        "{} 이유는 무엇인가요?",
    ),
)
_KO_PLAIN = ("{}에 대해 뭐라고 하나요?", "{}에 관해 어떤 이야기가 나오나요?")
_KO_PARTICLES = (("이란", "란"), ("이", "가"))
"""Particles after a final consonant, and after a vowel."""

# Words that point outside the clause make it unclear; others begin a clause of their own.
_POINTING = frozenset(
    "it this that these those them they he she him her his here there".split()  # noqa: SIM905
)
_BEGINNING = _POINTING.union(
    """what which who whom whose where when why how because so but if while since although i me us
    such one ones something anything everything thing things stuff way is are was were do does did
    can could will would should yourself itself""".split()  # noqa: SIM905
)
_NO_END = STOP_WORDS | {"the", "a", "an", "new", "make", "use", "using"}
_YOURS = {"our": "your", "my": "your"}
_KO_POINTING = re.compile("[그이저](?:런|것|거|걸|게)?$|어떤|무슨|제가|저희|우리|내가|뭔가")


def _fill(question: str, phrase: str, match: re.Match[str]) -> str:
    """Return the question, or "" in Korean if the phrase's spelling does not tell its particles."""
    facts = {key: (text or "").casefold() for key, text in match.groupdict().items()}
    if "{이" in question:
        if not "가" <= phrase[-1] <= "힣":
            return ""
        is_open = (ord(phrase[-1]) - ord("가")) % 28 == 0
        facts |= {pair[0]: pair[is_open] for pair in _KO_PARTICLES}
    return question.format(phrase=phrase, **facts)


def _english_clause(clause: str) -> str:
    """Return the clause up to a word that begins another one; "" if it can't stand alone."""
    parts = clause.split()
    end = next((i for i, part in enumerate(parts) if part.casefold() in _BEGINNING), len(parts))
    if end < len(parts) and parts[end].casefold() in _POINTING:
        return ""
    parts = [_YOURS.get(part, part) for part in parts[:end]]
    while parts and parts[-1].casefold() in _NO_END:
        parts.pop()
    return " ".join(parts) if 2 <= len(parts) <= MAX_WORDS else ""


def _korean_clause(clause: str) -> str:
    return "" if _KO_POINTING.match(clause.split()[0]) else clause
