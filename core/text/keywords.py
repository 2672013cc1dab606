"""Extract a text's keywords, as written in it, and score its sentences by how much they say."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

from core.text.tokens import words

# Frequent words without a subject: stems, or words as written.
_FILLER = """
    actual actually ago ahead alright anyway bad basically best better big bit call came case come
    cool course day different everybody everyone everything exactly example fact far find first
    follow gave give good great guess guy guys half haven't help hmm important instanc instance
    interest keep kind know last later least lectur lecture lesson let little long look lot main
    make may maybe mean mhm might minute mm mmm month morning must name near need new next nice
    nobody number old order part people place pleas please point pre probably put question quit
    quite rest right say second see seem show small someone something sort speaker start still
    story stuff super sure take talk tell thank thing think third thought time today together tri
    try understand use usual video want watch way week went whether without word work wow year yep
    yet
    감사 구독 내용 마지막 말씀 문제 방법 부분 사람 생각 시간 시작 안녕 영상 이야기
    정말 질문 처음 하다
"""
_FILLER_WORDS = frozenset(_FILLER.split())
_VERB = re.compile(r"\w{2,}[^e]ed", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WordCounts:
    """Occurrences of each word by stem, and its spellings."""

    counts: Counter[str] = field(default_factory=Counter)
    forms: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def count_words(texts: Iterable[str]) -> WordCounts:
    """Count the words worth showing: names of things, not verbs or filler."""
    found = WordCounts()
    for text in texts:
        for stem, written in words(text):
            if not _FILLER_WORDS & {stem, written.casefold()} and not _VERB.fullmatch(written):
                found.counts[stem] += 1
                found.forms[stem][written] += 1
    return found


def keywords(part: WordCounts, whole: WordCounts, limit: int) -> list[str]:
    """Return the words that `part` uses more often than the `whole` around it, best first.

    Each is spelled as it mostly is in the whole. Words that occur once are left out, unless no word
    occurs more often.
    """
    ratio = whole.counts.total() / max(part.counts.total(), 1)
    scores = {
        stem: count * math.log1p(ratio * count / whole.counts[stem])
        for stem, count in part.counts.items()
    }
    candidates = [stem for stem in scores if part.counts[stem] > 1] or list(scores)
    best = sorted(candidates, key=lambda stem: -scores[stem])[:limit]
    return [_display_form(whole.forms[stem]) for stem in best]


def salience(texts: Sequence[Set[str]]) -> list[float]:
    """Score each text (a set of tokens) from 0 to 1 by how much it shares with all; linear time.

    The score is the mean weight of its words, as in SumBasic; very short texts score lower.
    """
    counts = Counter(token for tokens in texts for token in tokens)
    scores = [
        # fsum: a set's order differs between processes, and so would a plain sum's last digit.
        math.fsum(math.log(counts[token]) for token in tokens) / (len(tokens) + 4)
        for tokens in texts
    ]
    highest = max(scores, default=0.0) or 1.0
    return [score / highest for score in scores]


def _display_form(forms: Counter[str]) -> str:
    """Return the plural where it occurs ("about whales", not "about whale"), else the commonest."""
    commonest = forms.most_common(1)[0][0]
    return next((form for form in forms if form in (f"{commonest}s", f"{commonest}es")), commonest)
