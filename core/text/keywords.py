"""This file finds the words a text is about, as they are written in it, and its key sentences."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

from core.text.tokens import words

# Said often, and about nothing. Stems, or words as written.
_DULL = """
    actual actually ago ahead alright anyway bad basically best better big bit call came case
    come cool course day different everybody everyone everything exactly example fact far find
    first follow gave give good great guess guy guys half haven't help hmm important interest
    keep kind know last later least lectur lecture lesson let little long look lot main make may
    maybe mean mhm might minute mm month morning must name near need new next nice nobody number
    old order part people place pleas please point probably put question quit quite rest right
    say second see seem show small someone something sort speaker start still story stuff sure
    take talk tell thank thing think third thought time today together tri try understand use
    usual video want watch way week went whether without word work wow year yep
    감사 구독 내용 마지막 말씀 문제 방법 부분 사람 생각 시간 시작 안녕 영상 이야기 정말 질문 처음
"""
_IS_DULL = frozenset(_DULL.split())
_VERB = re.compile(r"\w{2,}[^e]ed", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WordCounts:
    """How often each word is said (by stem), and how it is written."""

    counts: Counter[str] = field(default_factory=Counter)
    forms: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def count_words(texts: Iterable[str]) -> WordCounts:
    """Of all words worth showing: what has a name rather than what was done."""
    found = WordCounts()
    for text in texts:
        for stem, written in words(text):
            if not _IS_DULL & {stem, written.casefold()} and not _VERB.fullmatch(written):
                found.counts[stem] += 1
                found.forms[stem][written] += 1
    return found


def keywords(part: WordCounts, whole: WordCounts, limit: int) -> list[str]:
    """What `part` says more often than the `whole` around it, best first, as mostly written there.

    WordCounts said once are left out where others are said more often.
    """
    share = whole.counts.total() / max(part.counts.total(), 1)
    scores = {
        stem: count * math.log1p(share * count / whole.counts[stem])
        for stem, count in part.counts.items()
    }
    often = [stem for stem in scores if part.counts[stem] > 1] or list(scores)
    best = sorted(often, key=lambda stem: -scores[stem])[:limit]
    return [_shown(whole.forms[stem]) for stem in best]


def salience(texts: Sequence[Set[str]]) -> list[float]:
    """How much each text (as tokens) says of what all of them say, from 0 to 1; linear in time.

    The mean weight of its words, as SumBasic has it, with very short texts held back.
    """
    counts = Counter(token for tokens in texts for token in tokens)
    scores = [
        # fsum: a set has another order in every process, and a plain sum another last digit.
        math.fsum(math.log(counts[token]) for token in tokens) / (len(tokens) + 4)
        for tokens in texts
    ]
    most = max(scores, default=0.0) or 1.0
    return [score / most for score in scores]


def _shown(forms: Counter[str]) -> str:
    """The plural where it is said at all ("about whales", not "about whale"), else the usual."""
    usual = forms.most_common(1)[0][0]
    return next((form for form in forms if form in (f"{usual}s", f"{usual}es")), usual)
