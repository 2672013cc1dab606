"""This file finds the few sentences that bear on a question, or tells that there are none."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.model import Passage, Segment, Video
from core.text.keywords import salience
from core.text.sentences import announces, points_back
from core.text.tokens import cjk_characters, tokenise

MOST = 3
# How much of a question's weight must be covered. Measured on lectures (English) and KorQuAD: a
# Korean verb asks in one ending and answers in another, so there half of the pairs never match.
ENOUGH, ENOUGH_CJK = 0.75, 0.4
NAME_WEIGHT = 2.0  # "the bridge in Oslo" is not answered by the bridge in Kelso
REACH = 5  # how many sentences later "It …" may still speak of the same thing
_PAIR_COST, _STEP_COST, _SALIENCE_BONUS = 0.03, 0.02, 0.02
_ORDER_BONUS = 0.04  # "the tea from Kelso came to Oslo" is not about the tea from Oslo

_ASKING = re.compile(
    r"""\b(?:what|which)\s(?:kind|sort|type)s?\sof\b
    |\b(?:say|says|said|saying|tell\w*|told|talk\w*|mention\w*|explain\w*|describe\w*|discuss\w*
    |summar\w+|overview|speak\w*|learn\w*|know|remember|quoted|video|lecture|main|points?|please
    |name|around|everyone|everybody)\b
    |(?:무엇|무얼|무슨|뭐|뭘|뭔|누가|누구|언제|어디|어느|어떤|어떻게|어떠|얼마|몇|왜|대해|대한|관해|관한|영상
    |비디오|내용|설명|말하|말했|이야기|나오나|나온|알려|주세|중요|가장|요약|정리|있나|있는|인가|입니까|하나요
    |했나|되나|됐나|더\b)[가-힣]*""",
    re.IGNORECASE | re.VERBOSE,
)
# "to another town" asks for Kelso as "which town" does: it names the kind, not the thing.
_ANSWER_KIND = re.compile(r"\b(?:what|which|how\s+many|another|some)\s+(\w+)", re.IGNORECASE)
_NAME = re.compile(r"(?<=[^.?!]\s)[A-Z]\w+|\d+")

Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One segment, where it stands, and its tokens."""

    video: Video
    segment: Segment
    passage: int
    tokens: frozenset[str]


def find_evidence(question: str, passages: Sequence[Passage]) -> list[Sentence]:
    """At most three sentences, in the passages' order; none where the question is not covered.

    A question without content ("What is this about?") gets what says most of the whole.
    """
    sentences = [
        Sentence(passage.video, segment, number, frozenset(tokenise(segment.text)))
        for number, passage in enumerate(passages)
        for segment in passage.segments
    ]
    weights = _weigh(question, sentences)
    found = _facts(question, sentences, weights) if len(weights) > 1 else _broad(sentences, weights)
    return [sentences[i] for i in found]


def _weigh(question: str, sentences: Sequence[Sentence]) -> Weights:
    """The question's content: rare words and names weigh more, the kind of answer asked for less.

    A kind ("Which month …?") that nobody says is no lack: July is one.
    """
    counts = Counter(token for sentence in sentences for token in sentence.tokens)
    kinds = set(tokenise(" ".join(_ANSWER_KIND.findall(question))))
    weights = {}
    for token in _content(question):
        # A word nobody says counts as one that is said once: the rarer, the more it is missed.
        weight = math.log((len(sentences) + 2) / (max(counts[token], 1) + 0.5))
        if token in kinds:
            weight *= 0.5 * (token in counts)
        weights[token] = weight * (NAME_WEIGHT if token in _names(question) else 1)
    return {token: weight for token, weight in weights.items() if weight}


def _content(question: str) -> Iterator[str]:
    """Its tokens but for the words of asking, and of a Korean word without its ending."""
    for word in _ASKING.sub(" ", question).split():
        tokens = tokenise(word)
        yield from tokens[:-1] if len(tokens) > 1 and cjk_characters(word) else tokens


def _names(question: str) -> set[str]:
    return set(tokenise(" ".join(_NAME.findall(question))))


def _broad(sentences: Sequence[Sentence], weights: Weights) -> list[int]:
    """The sentences about the one word asked for, or about everything, that say most."""
    worth = [
        score * (0.5 if announces(sentence.segment.text) else 1)
        for score, sentence in zip(salience([s.tokens for s in sentences]), sentences, strict=True)
    ]
    about = [i for i, sentence in enumerate(sentences) if weights.keys() <= sentence.tokens]
    return sorted(sorted(about, key=lambda i: -worth[i])[:MOST])


def _facts(question: str, sentences: Sequence[Sentence], weights: Weights) -> list[int]:
    """The sentence, or the two that belong together, that cover the question best and enough."""
    own = [_share(weights, sentence) for sentence in sentences]
    worth = salience([sentence.tokens for sentence in sentences])

    def score(pair: tuple[int, int]) -> float:
        first, last = pair
        share = _share(weights, sentences[first], sentences[last])
        cost = _PAIR_COST + _STEP_COST * (last - first) if last > first else 0.0
        order = _ORDER_BONUS * _in_order(question, sentences[first].segment.text)
        return share - cost + _SALIENCE_BONUS * worth[first] + order

    first, last = max(_pairs(sentences, own, _names(question)), key=score, default=(0, 0))
    enough = ENOUGH_CJK if cjk_characters(question) else ENOUGH
    if not sentences or _share(weights, sentences[first], sentences[last]) < enough:
        return []
    if first == last and points_back(sentences[first].segment.text):
        first -= first > 0 and sentences[first - 1].passage == sentences[first].passage
    return sorted({first, last})


def _pairs(
    sentences: Sequence[Sentence], own: Sequence[float], names: set[str]
) -> Iterator[tuple[int, int]]:
    """Every sentence that helps, alone and with each that may go on about the same thing."""
    for first, opening in enumerate(sentences):
        if not own[first]:
            continue
        yield first, first
        for last in range(first + 1, min(first + 1 + REACH, len(sentences))):
            after = sentences[last]
            if after.passage != opening.passage or _are_alike(opening, after):
                break
            named = names & opening.tokens or own[last] <= own[first]
            brings_name = names & after.tokens - opening.tokens
            if own[last] and named and (not brings_name or points_back(after.segment.text)):
                yield first, last
            if _turns_away(opening, after, names):
                break


def _share(weights: Weights, *sentences: Sentence) -> float:
    """How much of the question they cover together, 0 to 1."""
    covered = (
        weight
        for token, weight in weights.items()
        if any(token in sentence.tokens for sentence in sentences)
    )
    return sum(covered) / sum(weights.values())


def _are_alike(one: Sentence, other: Sentence) -> bool:
    """ "The bridge in Oslo was built in …", "The bridge in Kelso was built in …": a new item."""
    shared = len(one.tokens & other.tokens)
    return shared >= 2 and 2 * shared >= min(len(one.tokens), len(other.tokens))


def _turns_away(opening: Sentence, after: Sentence, names: set[str]) -> bool:
    """ "Half of the bees of Kelso left. The bees of Oslo …": what follows speaks of Oslo's."""
    if points_back(after.segment.text) or not opening.tokens & after.tokens:
        return False
    brought = _names(after.segment.text) - opening.tokens
    return bool(brought and not brought & names)


def _in_order(question: str, text: str) -> float:
    """The share of the question's neighbouring words that are neighbours in the text as well."""
    asked, said = (_neighbours(words) for words in (question, text))
    return len(asked & said) / max(len(asked), 1)


def _neighbours(text: str) -> set[tuple[str, str]]:
    words = re.findall(r"\w+", text.casefold())
    return set(pairwise(words))
