"""Turn keywords into phrases as people write them: "hugging" → "Hugging Face", and no verbs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

from core.text.keywords import WordCounts, count_words, keywords
from core.text.tokens import words

_SHARE = 0.5
"""The share of a word's occurrences in which it has the same neighbour, to become a phrase."""
_CLAUSE = re.compile(r"[^.?!,;:()\"“”\n]+")
_LINK = re.compile(r"[\s-]+")

_SPARE = 12
"""Keywords looked at beyond those wanted: verbs, and words of the same phrase, drop out."""
_DETERMINER = re.compile(
    r"\b(?:an?|any|each|every|her|his|its|my|no|of|our|some|that|the|their|these|this|those|which|your)"
    r"\s+([A-Za-z][\w'-]*)",
    re.IGNORECASE,
)
_VERB_MARK = re.compile(
    r"\b(?:to|will|can|could|would|should|must|let's|we|you|I|they|who|we'll|you'll)\s+([A-Za-z][\w'-]*)",
    re.IGNORECASE,
)

Stems = tuple[str, ...]


def key_phrases(texts: Sequence[str], whole: WordCounts, limit: int) -> list[str]:
    """Return what these texts are about, compared with the `whole` around them, best first."""
    found = keywords(count_words(texts), whole, limit + _SPARE)
    return as_phrases(nouns(found, texts) or found, texts)[:limit]


def nouns(candidates: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Drop the words that stand after "to", "we" and the like more often than after "the".

    >>> nouns(["model", "train"], ["We train a model.", "Train the model, then."])
    ['model']
    """
    as_noun, as_verb = _stems(_DETERMINER, texts), _stems(_VERB_MARK, texts)
    return [
        keyword
        for keyword in candidates
        for stem in [next((stem for stem, _ in words(keyword)), keyword)]
        if as_verb[stem] <= as_noun[stem]
    ]


def _stems(pattern: re.Pattern[str], texts: Iterable[str]) -> Counter[str]:
    found = (word for text in texts for word in pattern.findall(text))
    return Counter(stem for word in found for stem, _ in words(word))


def as_phrases(candidates: Sequence[str], texts: Iterable[str]) -> list[str]:
    """Extend each keyword by the words it mostly stands with; each word is in one phrase at most.

    >>> talk = ["At Hugging Face we teach.", "Hugging Face has a data set.", "A data set is free."]
    >>> as_phrases(["Face", "Hugging", "set", "free"], talk)
    ['Hugging Face', 'data set', 'free']
    """
    texts = list(texts)
    pairs, spellings = _pairs(texts, count_words(texts).counts)
    phrases: dict[Stems, str] = {}
    used: set[str] = set()
    for keyword in candidates:
        own = tuple(stem for stem, _ in words(keyword)) or (keyword,)  # a bare Korean noun
        phrase = _extend(own, pairs) if len(own) == 1 else own
        if used.isdisjoint(phrase):
            used.update(phrase)
            phrases[phrase] = keyword if phrase == own else _spell(phrase, spellings)
    return list(phrases.values())


def _pairs(
    texts: Iterable[str], worthy: Collection[str]
) -> tuple[Counter[Stems], dict[Stems, Counter[str]]]:
    """Count neighbours among the `worthy` stems, and how each pair is written."""
    pairs: Counter[Stems] = Counter()
    spellings: dict[Stems, Counter[str]] = {}
    for text in texts:
        for clause in _CLAUSE.findall(text):
            spoken = [next(iter(words(word)), None) for word in _LINK.split(clause.strip())]
            for left, right in pairwise(spoken):
                if left and right and left[0] in worthy and right[0] in worthy:
                    pair = (left[0], right[0])
                    pairs[pair] += 1
                    spellings.setdefault(pair, Counter())[f"{left[1]} {right[1]}"] += 1
            # A word on its own counts too, or every pair would be a phrase.
            pairs.update((word[0],) for word in spoken if word)
    return pairs, spellings


def _extend(own: Stems, pairs: Counter[Stems]) -> Stems:
    alone = pairs[own]
    neighbours = [pair for pair in pairs if len(pair) == 2 and own[0] in pair and pairs[pair] > 1]
    best = max(neighbours, key=pairs.__getitem__, default=own)
    return best if best != own and pairs[best] >= _SHARE * alone else own


def _spell(phrase: Stems, spellings: dict[Stems, Counter[str]]) -> str:
    return spellings[phrase].most_common(1)[0][0]
