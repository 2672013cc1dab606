"""Turn keywords into phrases as people write them: "hugging" → "Hugging Face", and no verbs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from core.text.keywords import WordCounts, count_words, keywords
from core.text.tokens import cjk_characters, words

_SHARE, _TWICE = 0.2, 2
"""The share of a word's occurrences, and how many, with the same neighbour, to become a phrase:
"dynamic padding" says more than "padding", which is also padded otherwise."""
_CLAUSE = re.compile(r"[^.?!,;:()\"“”\n]+")
_LINK = re.compile(r"(\s*-\s*|\s+)")

_SPARE = 12
"""Keywords looked at beyond those wanted: verbs, and words of the same phrase, drop out."""
_DETERMINER = re.compile(
    r"\b(?:about|an?|any|between|each|every|from|her|his|into|its|many|my|no|of|our|some|the|their"
    r"|these|this|those|with|your)(?:\s+(?:best|first|last|main|new|next|old|other|same|second))?"
    r"\s+(?=([A-Za-z][\w'-]*))",  # not consumed: "of the crew" has two
    re.IGNORECASE,
)
_PLURAL_SUBJECT = re.compile(r"\b([A-Za-z]\w+s) (?:are|were|have)\b")
_VERB_MARK = re.compile(
    r"\b(?:to|will|can|could|would|should|must|let's|we|you|I|they|who|we'll|you'll)\s+([A-Za-z][\w'-]*)",
    re.IGNORECASE,
)

_PARTICIPLE = re.compile(r"-\w+ed$", re.IGNORECASE)
"""The end of an adjective like "fine-tuned"."""
_CAPITAL = re.compile(r"(?<=[\w,;] )([A-Z][\w'-]*)")
"""A word with a capital inside a sentence."""
_HANGUL = re.compile("[가-힣]+")
_KOREAN_VERB = re.compile("([가-힣]{2,}?)[하해할한함합했되돼될된됩됐]")
_CORE_PARTICLES = ("이", "가", "을", "를", "은", "의", "들이", "들을", "들은", "들의")
_ENOUGH = 3
_DESCRIBES, _CORE = 0.6, 0.4
"""Shares of a word's uses from which it is an adjective, or a Korean noun."""

Stems = tuple[str, ...]


def key_phrases(
    texts: Sequence[str], whole: WordCounts, limit: int, around: WordUses | None = None
) -> list[str]:
    """Return what these texts are about, compared with the `whole` around them, best first.

    `around`: the uses that tell nouns from other words, if these texts are too short for it."""
    found = keywords(count_words(texts), whole, limit + _SPARE)
    uses = around or WordUses.of(texts)
    candidates = [word for word in found if not uses.is_verb(word)] or found
    phrases = as_phrases(candidates, texts, uses.is_noun)
    phrases = [phrase for phrase in phrases if not _PARTICIPLE.search(phrase)] or phrases
    nouns = [phrase for phrase in phrases if uses.is_noun(phrase)]
    if len(nouns) < _ENOUGH:  # a short text shows too little of its words
        nouns += [phrase for phrase in phrases if phrase not in nouns]
    return nouns[:limit]


def with_article(phrase: str, texts: Sequence[str]) -> str:
    """Return the phrase after "the" if it stands mostly after an article, as "model" does.

    >>> with_article("model", ["The model learns.", "This is a model."])
    'the model'
    """
    if cjk_characters(phrase) or not phrase.islower():
        return phrase
    at = re.compile(rf"(\b(?:an?|the) (?:[\w-]+ )?)?\b{re.escape(phrase)}\b", re.IGNORECASE)
    found = [bool(match[1]) for text in texts for match in at.finditer(text)]
    return f"the {phrase}" if 2 * sum(found) >= len(found) > 0 else phrase


def join(phrases: Sequence[str]) -> str:
    """Join phrases as people do; a Korean one is followed by the particle it asks for.

    >>> join(["bees", "honey"]), join(["꿀벌", "꿀"]), join(["나무", "숲"]), join(["GPU", "메모리"])
    ('bees and honey', '꿀벌과 꿀', '나무와 숲', 'GPU, 메모리')
    """
    joined = phrases[0]
    for before, phrase in pairwise(phrases):
        if not cjk_characters(joined + phrase):
            joined += f" and {phrase}"
        elif _HANGUL.fullmatch(before[-1]):
            joined += f"{'과' if (ord(before[-1]) - ord('가')) % 28 else '와'} {phrase}"
        else:  # its sound is not known
            joined += f", {phrase}"
    return joined


@dataclass(frozen=True, slots=True)
class WordUses:
    """How often each stem is used in a way that tells nouns from other words. Counting a long
    video takes a second: its chapters share one."""

    after_determiner: Counter[str]
    after_verb_mark: Counter[str]
    capitals: Counter[str]
    describing: Counter[str]
    all: Counter[str]
    particles: Mapping[str, Counter[str]]

    @classmethod
    def of(cls, texts: Sequence[str]) -> WordUses:
        return cls(
            _stems(_DETERMINER, texts) + _stems(_PLURAL_SUBJECT, texts),
            _stems(_VERB_MARK, texts),
            _stems(_CAPITAL, texts),
            _describing(texts),
            Counter(stem for text in texts for stem, _ in words(text)),
            _particles(texts),
        )

    def is_verb(self, keyword: str) -> bool:
        """Whether it stands more often after "to", "we" and the like than after "the"."""
        first, _ = _ends(keyword)
        return self.after_verb_mark[first] > self.after_determiner[first]

    def is_noun(self, phrase: str) -> bool:
        """Whether an English phrase stands after "the" and the like and ends with no word that
        mostly describes the next one, as "Colonel" does. A name needs no article. A Korean noun
        is more often a subject or an object than an adverb ("기반으로") or a verb ("사용하다")."""
        if cjk_characters(phrase):
            own = self.particles.get(phrase.split()[-1], Counter())
            cores = [own[particle] for particle in _CORE_PARTICLES if own[particle]]
            return len(cores) > 1 and sum(cores) >= _CORE * own.total()
        first, last = _ends(phrase)
        is_name = any(2 * self.capitals[stem] > self.all[stem] for stem in (first, last))
        is_whole_name = is_name and " " in phrase  # "Machine Learning" also before "Engineer"
        return (
            (is_name or self.after_determiner[first] > 0)
            and (is_whole_name or self.describing[last] < _DESCRIBES * self.all[last])
            and not phrase.endswith("ly")
        )


def _ends(phrase: str) -> tuple[str, str]:
    """Return the stems of the phrase's first and last word."""
    found = [stem for stem, _ in words(phrase)] or [phrase]
    return found[0], found[-1]


def _particles(texts: Sequence[str]) -> dict[str, Counter[str]]:
    """Count for each Korean word what follows it in one writing: particles and verb endings."""
    written = Counter(word for text in texts for word in _HANGUL.findall(text))
    found: dict[str, Counter[str]] = {}
    for word, count in written.items():
        for noun, _ in words(word):
            found.setdefault(noun, Counter())[word[len(noun) :]] += count
    for word, count in written.items():
        if (verb := _KOREAN_VERB.match(word)) and verb[1] in found:
            found[verb[1]]["하다"] += count
    return found


def _describing(texts: Sequence[str]) -> Counter[str]:
    """Count for each stem how often another word worth showing, or "of", follows at once. A name
    does not count: "the ship Victoria" and "the bees of Verona" are about a ship and bees."""
    found: Counter[str] = Counter()
    worthy = count_words(texts).counts
    for text in texts:
        for clause in _CLAUSE.findall(text):
            spoken, _ = _split(clause)
            for left, right, after in zip(spoken, spoken[1:], [*spoken[2:], ""], strict=False):
                named = after if right.casefold() == "of" else right
                if left.islower() and named[:1].isupper():
                    continue
                if right.casefold() == "of" or any(stem in worthy for stem, _ in _read(right)):
                    found.update(stem for stem, _ in _read(left))
    return found


@lru_cache(maxsize=16_384)
def _read(word: str) -> tuple[tuple[str, str], ...]:
    """Return its `words`. A long video says the same few thousand again and again."""
    return tuple(words(word))


def _stems(pattern: re.Pattern[str], texts: Iterable[str]) -> Counter[str]:
    found = (word for text in texts for word in pattern.findall(text))
    return Counter(stem for word in found for stem, _ in _read(word))


def as_phrases(
    candidates: Sequence[str], texts: Iterable[str], is_phrase: Callable[[str], bool] = bool
) -> list[str]:
    """Extend each keyword by a word it often stands with, if that `is_phrase`; each word is in one
    phrase at most.

    >>> talk = ["At Hugging Face we teach.", "Hugging Face has a data set.", "A data set is free."]
    >>> as_phrases(["Face", "Hugging", "set", "free"], talk)
    ['Hugging Face', 'data set', 'free']
    """
    texts = list(texts)
    pairs, spellings = _pairs(texts, count_words(texts).counts.keys())
    phrases: dict[Stems, str] = {}
    used: set[str] = set()
    for keyword in candidates:
        own = tuple(stem for stem, _ in words(keyword)) or (keyword,)  # a bare Korean noun
        if not used.isdisjoint(own):
            continue
        found = own, keyword
        for pair in _neighbours(own, pairs) if len(own) == 1 else ():
            spelled = _spell(pair, spellings)
            if used.isdisjoint(pair) and is_phrase(spelled):
                found = pair, spelled
                break
        used.update(found[0])
        phrases[found[0]] = found[1]
    return list(phrases.values())


def _pairs(
    texts: Iterable[str], worthy: Set[str]
) -> tuple[Counter[Stems], dict[Stems, Counter[str]]]:
    """Count neighbours among the `worthy` stems, and how each pair is written."""
    pairs: Counter[Stems] = Counter()
    spellings: dict[Stems, Counter[str]] = {}
    for text in texts:
        for clause in _CLAUSE.findall(text):
            spoken, links = _split(clause)
            for at, (left, right) in enumerate(pairwise(map(_spoken, spoken))):
                if "-" in links[max(at - 1, 0) : at] + links[at + 1 : at + 2]:
                    continue  # "source team" of "open-source team"
                if not left or not right or not left[2] or left[0] == right[0]:
                    continue
                pair = (left[0], right[0])
                if worthy >= {*pair}:
                    pairs[pair] += 1
                    spelling = f"{left[1]}{links[at]}{right[1]}"
                    spellings.setdefault(pair, Counter())[spelling] += 1
            # A word on its own counts too, or every pair would be a phrase.
            pairs.update((word[0],) for word in map(_spoken, spoken) if word)
    return pairs, spellings


def _split(clause: str) -> tuple[list[str], list[str]]:
    """Return the words, and the "-" or " " after each but the last."""
    parts = _LINK.split(clause.strip())
    return parts[::2], ["-" if "-" in link else " " for link in parts[1::2]]


def _spoken(word: str) -> tuple[str, str, bool] | None:
    """Return its stem, its spelling, and whether it can be the first word of a phrase: a Korean
    noun with a particle ("데이터를 분석") is not. A bare Korean noun counts, as "언어 모델" has."""
    found = next(iter(_read(word)), None)
    if found:
        return (*found, not cjk_characters(word) or found[1] == word)
    return (word, word, True) if _HANGUL.fullmatch(word) else None


def _neighbours(own: Stems, pairs: Counter[Stems]) -> list[Stems]:
    """Return the pairs that the word often stands in, the most frequent first."""
    least = max(_TWICE, _SHARE * pairs[own])
    both = [pair for pair in pairs if len(pair) == 2 and pairs[pair] >= least]
    found = [pair for pair in both if own[0] in pair]
    # "Learning Engineer" is a part of "Machine Learning Engineer", which is said less often.
    whole = [
        pair
        for pair in found
        if not any(pairs[other] > pairs[pair] and {*other} & {*pair} - {own[0]} for other in both)
    ]
    return sorted(whole, key=pairs.__getitem__, reverse=True)


def _spell(phrase: Stems, spellings: dict[Stems, Counter[str]]) -> str:
    return spellings[phrase].most_common(1)[0][0]
