"""Strip from a question the words that only ask, and keep what it is about."""

from __future__ import annotations

import re

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

_LEAD = re.compile(
    r"""^\W*(?:
    (?:please\s)?(?:summari[sz]e|describe|explain|tell\sme|give)\b.*?\b(?:about|on|of|regarding)\b
    |what\b.*?\b(?:say|said|think|thought|talk|discuss\w*|mention\w*|recommend\w*|suggest\w*
        |propos\w*|feel|opinion|conclu\w*|decid\w*|discussion)\b
        (?:\s(?:about|of|on|when\sdiscussing|that))?
    |(?:why|how)\s(?:did|does|was|were|is|are)
    |what(?:'s|\sis|\swas|\swere|\sare)\sthe\s(?:decision|discussion|conclusion|opinion|attitude)s?
        \s(?:of|on|about|towards?)
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_OVERVIEW = re.compile(
    r"\b(?:summar\w+|overview|discuss\w*|debate\w*)\b|요약|정리|논의|토론", re.IGNORECASE
)


def subject_of(question: str) -> str:
    """Return what an English question is about, without how it begins, or all of it if nothing is
    left.

    >>> subject_of("What did the team say about the two bridges?")
    'the two bridges'
    >>> subject_of("Summarize the discussion on tea."), subject_of("Who said so?")
    ('tea', 'Who said so?')
    """
    lead = _LEAD.match(question)
    found = question[lead.end() :].strip(" ?.") if lead else ""
    return found if re.search(r"\w{2}", found) else question


def asks_for_overview(question: str) -> bool:
    """Whether it asks for what was said in several places: a summary, a discussion."""
    return bool(_OVERVIEW.search(question))


def strip_question(question: str) -> str:
    """Return the words that the question is about, in its order; "" if it has none.

    >>> strip_question("What did they say about the bees of Oslo?").split()
    ['What', 'did', 'they', 'the', 'bees', 'of', 'Oslo?']
    """
    return _ASKING.sub(" ", question).strip()
