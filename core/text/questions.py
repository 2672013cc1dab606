"""Tell a question about a video from words that only introduce a link to it.

Decides for "no question" in doubt: people chat beside their links, and the summary comes anyway.
"""

from __future__ import annotations

import re

LONGEST = 1000
"""Characters that are looked at: the patterns take more than linear time."""

_MARK = re.compile(r"[?？]")
_NAMES = re.compile(r"<[@#][!&]?\d+>|(?<!\S)@\w+")
_LETTERS = re.compile(r"[^\W\d_]")

_TO_PEOPLE = re.compile(
    r"""^\W*(?:(?:so|hey|ok|okay|well|lol|guys|everyone|and|but|hi|hello)\W+)*(?:
    (?:what|how)\s+(?:do|did|does|about|would)\s+(?:you|u|ya|y'?all|we|everyone|this|that)\b.*
    |what(?:'?s|\s+is)\s+(?:this|that|it|up)\b.{0,12}
    |what\s+(?:the\s+\w+|a\s+.*|is\s+(?:going\s+on|happening)|do\s+we\s+think.*)
    |(?:any\s+)?(?:thoughts?|opinions?|ideas?|takes?|feedback|questions?)\b.*
    |(?:(?:has|have|did|does|do|is|can)\s+)?(?:any(?:one|body)|some(?:one|body)|you|you\s+guys
        |y'?all|everyone|u)\b.*
    |(?:seen|remember|watched|heard|interested|ready|wanna|want)\b.*
    |(?:can|could|would|will|should|shall|may|might)\s+(?:you|we|i|u|some\w+|any\w+)\b.*
    |(?:isn|aren|wasn|doesn|don|didn)'?t\s+(?:this|that|it|he|she|they|you)\b.*
    |how\s+(?:cool|good|great|funny|cute|crazy|awesome|nice|amazing|is\s+(?:this|that|it))\b.*
    |who\s+(?:else|wants?|knew|cares|knows|has|is\s+(?:up|in|ready|with))\b.*
    |why\s+(?:not|though|tho|is\s+(?:this|that|it)\s+so)\b.*
    |(?:this|that|it|one|these)\s*(?:one|video|link|talk)?
    |(?:is|was)\s+(?:this|that|it)\s+(?:it|the\s+(?:one|video|link|talk|right)|good|ok|okay|real
        |true|legit|worth|any\s+good)\b.*
    |(?:right|really|seriously|ok|okay|huh|eh|yes|no|what|why|how|who|sure|deal|lol|wtf|cool)
    )\W*$""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_TO_PEOPLE_KO = re.compile(
    r"""(?:봤|보셨|보신|본\s*(?:사람|분)|볼래|볼까|보실|보러|봐도|들어\s*봤|아시는\s*분|아는\s*사람|관심)
    |(?:어때|어떤가|어떠|어떻게)\s*(?:요|세요|생각|들?\s*하세요|보세요)?\s*[?？]*\s*$
    |어떻게\s*(?:들\s*)?생각
    |^\W*(?:이거|이건|이게|저거|그거|이\s*영상|이)?\s*(?:뭐|뭔|무엇|무슨\s*영상)(?:야|지|임|냐|예요|에요|인가요
        |죠|가요|데|일까요?)?\W*$
    |^\W*(?:이거|이건|이게)?\s*(?:진짜|정말|맞지|맞죠|맞아|맞나요|그치|그쵸|왜|네|응|좋죠|좋지|괜찮죠|재밌죠
        |재밌지|웃기지|대박)(?:요|임|야|이야|인가요|않아\s*요?|않나요)?\W*$
    |(?:요약|정리|번역)\s*(?:좀\s*)?(?:해|부탁|가능)""",
    re.VERBOSE,
)
_AUXILIARY = (
    r"(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|must|might)\b"
)
_ASKS = re.compile(
    rf"""(?:^|[.!,;:\n]\s*)(?:and|but|so|also|then)?\s*(?:
    (?:what|when|where|why|how|which|whom|whose)(?:'s\s|\s+{_AUXILIARY})\s*\w+
    |(?:which|whose)\s+\w+\s+(?:{_AUXILIARY}|\w+ed\b)
    |who(?:'s\s|\s+(?:{_AUXILIARY}|said|says|found|made|won|wrote|told|\w+ed\b))\s*\w+
    |how\s+(?:many|much|long|old|far|often|big|fast|high)\s+\w+
    |what\s+(?:kind|sort|type)s?\s+of\s+\w+
    |(?:does|did)\s+(?:he|she|it|they|the|this|that|any\w+)\s+\w+\s+\w+
    |(?:please\s+)?(?:tell\s+me|explain)\s+(?:who|what|when|where|why|how|which|about)\s+\w+
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_ASKS_KO = re.compile(
    r"""(?:누가|누구|언제|어디|왜|무엇|무슨|뭐|뭘|어떤|어떻게|어느|얼마|몇).*
        (?:나요|까요|니까|[은는인한]가요|던가요|[았었했였됐]어요?|[았었했였됐]나|[았었했였됐]지요?)\s*[.!~]*\s*$
    |(?:누가|누구|언제|어디|왜|무엇|무슨|뭐|뭘|어떤|어떻게|어느|얼마|몇).*[는은인한]지\s*(?:좀\s*)?
        (?:알려|설명|말해|궁금|찾아)
    |(?:에\s*대해(?:서)?|에\s*관해(?:서)?)\s.*(?:알려|설명|말해)
    |(?:나요|습니까|입니까|던가요)\s*[.!~]*\s*$""",
    re.VERBOSE,
)


def is_question(text: str) -> bool:
    """Whether a text, without its links, asks about a video.

    >>> is_question("Who found the queen?"), is_question("look at this"), is_question("이거 봐")
    (True, False, False)
    """
    text = _NAMES.sub(" ", text).strip()[:LONGEST]
    if not _LETTERS.search(text) or all(map(_is_to_people, _sentences(text))):
        return False
    return bool(_MARK.search(text) or _ASKS.search(text) or _ASKS_KO.search(text))


def _sentences(text: str) -> list[str]:
    """The sentences that may ask: those with a question mark, if any has one."""
    parts = [part for part in re.split(r"(?<=[?？!.\n])\s+", text) if _LETTERS.search(part)]
    return [part for part in parts if _MARK.search(part)] or [text]


def _is_to_people(sentence: str) -> bool:
    return bool(_TO_PEOPLE.search(sentence) or _TO_PEOPLE_KO.search(sentence))
