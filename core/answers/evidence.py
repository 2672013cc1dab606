"""Find the few sentences that answer a question, or none if it is not covered."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.model import Passage, Segment, Video
from core.text.keywords import salience
from core.text.question_words import strip_question
from core.text.sentences import announces, points_back
from core.text.tokens import cjk_characters, tokenise

MAX_SENTENCES = 3
# The share of a question's weight that sentences must cover. Measured on lectures (English) and
# KorQuAD: Korean verbs take one ending in questions and another in answers, so there half of the
# bigrams never match.
MIN_COVERAGE, MIN_COVERAGE_CJK = 0.75, 0.4
NAME_WEIGHT = 2.0  # "the bridge in Oslo" is not answered by the bridge in Kelso
REACH = 5  # how many sentences later "It …" can still refer to the same thing
_PAIR_COST, _STEP_COST, _SALIENCE_BONUS = 0.03, 0.02, 0.02
_ORDER_BONUS = 0.04  # "the tea from Kelso came to Oslo" is not about the tea from Oslo

# "to another town", like "which town", names the kind of the answer, not the answer (Kelso).
_ANSWER_KIND = re.compile(r"\b(?:what|which|how\s+many|another|some)\s+(\w+)", re.IGNORECASE)
_NAME = re.compile(r"(?<=[^.?!]\s)[A-Z]\w+|\d+")

Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One segment with its passage and tokens."""

    video: Video
    segment: Segment
    passage: int
    tokens: frozenset[str]


def find_evidence(question: str, passages: Sequence[Passage]) -> list[Sentence]:
    """Return at most three sentences in the passages' order; none if the question is not covered.

    A question without content words ("What is this about?") gets the most salient sentences.
    """
    return find_among(question, sentences_of(passages))


def sentences_of(passages: Sequence[Passage]) -> list[Sentence]:
    """Prepare the passages' sentences for many questions."""
    return [
        Sentence(passage.video, segment, number, frozenset(tokenise(segment.text)))
        for number, passage in enumerate(passages)
        for segment in passage.segments
    ]


def find_among(question: str, sentences: Sequence[Sentence]) -> list[Sentence]:
    """See `find_evidence`."""
    weights = _weigh(question, sentences)
    found = (
        _covering(question, sentences, weights)
        if len(weights) > 1
        else _overview(sentences, weights)
    )
    return [sentences[i] for i in found]


def _weigh(question: str, sentences: Sequence[Sentence]) -> Weights:
    """Weigh the question's tokens: rare words and names more, the requested kind of answer less.

    A kind ("Which month …?") that no sentence contains weighs nothing: "July" answers it.
    """
    counts = Counter(token for sentence in sentences for token in sentence.tokens)
    kinds = set(tokenise(" ".join(_ANSWER_KIND.findall(question))))
    weights = {}
    for token in _content(question):
        # An absent word counts as one occurrence, so it weighs as much as the rarest.
        weight = math.log((len(sentences) + 2) / (max(counts[token], 1) + 0.5))
        if token in kinds:
            weight *= 0.5 * (token in counts)
        weights[token] = weight * (NAME_WEIGHT if token in _names(question) else 1)
    return {token: weight for token, weight in weights.items() if weight}


def _content(question: str) -> Iterator[str]:
    """Yield the tokens without words that only ask and, in Korean, without the last bigram."""
    for word in strip_question(question).split():
        tokens = tokenise(word)
        yield from tokens[:-1] if len(tokens) > 1 and cjk_characters(word) else tokens


def _names(question: str) -> set[str]:
    return set(tokenise(" ".join(_NAME.findall(question))))


def _overview(sentences: Sequence[Sentence], weights: Weights) -> list[int]:
    """Return the most salient sentences with the only content word, or of all if there is none."""
    scores = [
        score * (0.5 if announces(sentence.segment.text) else 1)
        for score, sentence in zip(salience([s.tokens for s in sentences]), sentences, strict=True)
    ]
    about = [i for i, sentence in enumerate(sentences) if weights.keys() <= sentence.tokens]
    return sorted(sorted(about, key=lambda i: -scores[i])[:MAX_SENTENCES])


def _covering(question: str, sentences: Sequence[Sentence], weights: Weights) -> list[int]:
    """Return the sentence, or related pair, with the best coverage; none if that is too low."""
    coverage = [_coverage(weights, sentence) for sentence in sentences]
    scores = salience([sentence.tokens for sentence in sentences])

    def score(pair: tuple[int, int]) -> float:
        first, last = pair
        share = _coverage(weights, sentences[first], sentences[last])
        cost = _PAIR_COST + _STEP_COST * (last - first) if last > first else 0.0
        order = _ORDER_BONUS * _order_match(question, sentences[first].segment.text)
        return share - cost + _SALIENCE_BONUS * scores[first] + order

    first, last = max(
        _candidate_pairs(sentences, coverage, _names(question)), key=score, default=(0, 0)
    )
    minimum = MIN_COVERAGE_CJK if cjk_characters(question) else MIN_COVERAGE
    if not sentences or _coverage(weights, sentences[first], sentences[last]) < minimum:
        return []
    if first == last and points_back(sentences[first].segment.text):
        first -= first > 0 and sentences[first - 1].passage == sentences[first].passage
    return sorted({first, last})


def _candidate_pairs(
    sentences: Sequence[Sentence], coverage: Sequence[float], names: set[str]
) -> Iterator[tuple[int, int]]:
    """Yield each helpful sentence, alone and with each later one that may continue its subject."""
    for first, opening in enumerate(sentences):
        if not coverage[first]:
            continue
        yield first, first
        for last in range(first + 1, min(first + 1 + REACH, len(sentences))):
            after = sentences[last]
            if after.passage != opening.passage or _are_alike(opening, after):
                break
            continues = names & opening.tokens or coverage[last] <= coverage[first]
            adds_name = names & after.tokens - opening.tokens
            if coverage[last] and continues and (not adds_name or points_back(after.segment.text)):
                yield first, last
            if _changes_subject(opening, after, names):
                break


def _coverage(weights: Weights, *sentences: Sentence) -> float:
    """Return the share of the question's weight that the sentences cover together, 0 to 1."""
    covered = (
        weight
        for token, weight in weights.items()
        if any(token in sentence.tokens for sentence in sentences)
    )
    return sum(covered) / sum(weights.values())


def _are_alike(one: Sentence, other: Sentence) -> bool:
    """Whether they are items of a list: "The bridge in Oslo was …", "The bridge in Kelso was …"."""
    shared = len(one.tokens & other.tokens)
    return shared >= 2 and 2 * shared >= min(len(one.tokens), len(other.tokens))


def _changes_subject(opening: Sentence, after: Sentence, names: set[str]) -> bool:
    """Whether the subject changes: "Half of the bees of Kelso left. The bees of Oslo …"."""
    if points_back(after.segment.text) or not opening.tokens & after.tokens:
        return False
    new_names = _names(after.segment.text) - opening.tokens
    return bool(new_names and not new_names & names)


def _order_match(question: str, text: str) -> float:
    """Return the share of the question's word pairs that are adjacent in the text as well."""
    asked, said = (_word_pairs(words) for words in (question, text))
    return len(asked & said) / max(len(asked), 1)


def _word_pairs(text: str) -> set[tuple[str, str]]:
    words = re.findall(r"\w+", text.casefold())
    return set(pairwise(words))
