"""Split text into search tokens, the same for every index, and into words to show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_KANA = "\u3041-\u30ff\u31f0-\u31ff"
_HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
_CJK = f"[{_KANA}{_HAN}{_HANGUL}]+"
_CJK_RUN = re.compile(_CJK)
_LETTERS = f"[^\\W\\d_{_KANA}{_HAN}{_HANGUL}]+(?:'[^\\W\\d_]+)?"
_PIECE = re.compile(rf"(?P<cjk>{_CJK})|(?P<number>\d+(?:[.,]\d+)*)|(?P<word>{_LETTERS})")
_LONG = 20
"""From so many letters on a word's tokens are not kept: a line of Japanese has thirty."""
_ANY_PIECE = re.compile(re.sub(r"\?P<\w+>", "?:", _PIECE.pattern))
_WORD = re.compile(rf"[{_HANGUL}]+|[{_HAN}]+|[{_KANA}]+|{_LETTERS}")
_PARTICLE = re.compile(
    "(?<=[가-힣]{2})(에서는|으로는|에게서|에서|에게|으로|까지|부터|은|이|가|을|를|의|에|로|와|과|도)$"
)

_PLURAL = re.compile("(?<=[가-힣]{2})들$|^[것거분애이그얘]들$")
"""A plural says nothing that the noun does not; 것들 and 분들 say nothing at all."""

_STOP = """
    a about above after again all also am an and another any are aren't as at be because been
    before being below besides between both but by can can't cannot could couldn't d did didn't do
    does doesn't doing don't down during each either else even ever few for from further get gets
    go goes going gonna got had has have having he he's her here here's hers him his how i i'd i'll
    i'm i've if in into is isn't it it's its itself just let let's like ll m many me more most much
    my no nor not now of off oh ok okay on only or other our ours out over own re really s same
    shall she she's should so some such t than that that's the their theirs them then there there's
    these they they're this those through to too uh um under until up upon us ve very was wasn't we
    we'll we're we've well were weren't what what's when where which while who whom whose why will
    with won't would yeah yes you you'll you're you've your yours
    것을 그것 이것 저것 이거 그거 저거 때문 경우 정도 우리 저희 여러분 오늘 여기 거기 지금 다음
    그다음 하나 자신 이번 모두 누구 누군가 얘기 이야기 자체 실제
"""
STOP_WORDS = frozenset(_STOP.split())
# Irregular forms that a stemmer keeps apart: "When did it begin?" must match "It began in May."
_IRREGULAR = """
    began begin, begun begin, bought buy, broke break, broken break, brought bring, built build,
    came come, caught catch, children child, chose choose, chosen choose, drove drive, driven drive,
    ate eat, eaten eat, fell fall, fallen fall, felt feel, feet foot, flew fly, flown fly,
    forgot forget, forgotten forget, froze freeze, frozen freeze, gave give, given give, grew grow,
    grown grow, heard hear, held hold, hid hide, hidden hide, kept keep, knew know, known know,
    led lead, left leave, lost lose, made make, meant mean, men man, met meet, mice mouse, paid pay,
    ran run, rang ring, rode ride, rose rise, risen rise, said say, sang sing, sung sing, sank sink,
    sunk sink, sat sit, saw see, seen see, sent send, shook shake, shot shoot, slept sleep,
    sold sell, sought seek, spent spend, spoke speak, spoken speak, stole steal, stolen steal,
    stood stand, stuck stick, swam swim, taught teach, teeth tooth, threw throw, thrown throw,
    told tell, took take, taken take, thought think, understood understand, went go, gone go,
    woke wake, woken wake, women woman, won win, wore wear, worn wear, wrote write, written write
"""
_BASE_FORM = dict(pair.split() for pair in _IRREGULAR.split(","))
_ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
    fifteen sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES = {word: value for value, word in enumerate(_ONES.split())}
_VALUES |= {word: 10 * tens for tens, word in enumerate(_TENS.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_NOT_SHOWN = (
    STOP_WORDS
    | _VALUES.keys()
    | _SCALES.keys()
    | _BASE_FORM.keys() - {"children", "men", "women", "mice"}
)


def tokenise(text: str) -> list[str]:
    """Tokenise: English stemmed without stop words, CJK as bigrams, spoken numbers as digits.

    No token contains a blank, so tokens can be joined by blanks.

    >>> tokenise("The bees of Verona danced in nineteen fifty five.")
    ['bee', 'verona', 'danc', '1955']
    >>> tokenise("꿀벌은 춤춘다")
    ['꿀벌', '벌은', '춤춘', '춘다']
    """
    found: list[str] = []
    numbers: list[str] = []
    for word in text.split():  # most of a search's time
        tokens = _kept_tokens(word) if len(word) < _LONG else _tokens(word)
        if tokens is not None and not numbers:
            found += tokens
            continue
        for piece in _pieces(word):
            of_piece = _tokens_of_piece(piece)
            if _goes_on(numbers, piece, of_piece):
                numbers.append(piece)
                continue
            found += (*_digits(numbers), *(of_piece or ()))
            numbers.clear()
    return [*found, *_digits(numbers)]


def terms(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each word's spelling with its tokens; stop words are left out, numbers kept together.

    >>> list(terms("The bees of 1955, fifty five"))
    [('bees', ('bee',)), ('1955', ('1955',)), ('fifty five', ('55',))]
    """
    written = _normalise(text)
    folded = written.casefold()
    shown = written if len(written) == len(folded) else folded
    numbers: list[str] = []
    for match in _ANY_PIECE.finditer(folded):
        piece = match.group()
        tokens = _tokens_of_piece(piece)
        if _goes_on(numbers, piece, tokens):
            numbers.append(piece)
            continue
        if numbers:
            yield " ".join(numbers), _digits(numbers)
            numbers.clear()
        if tokens:
            yield shown[slice(*match.span())], tokens
    if numbers:
        yield " ".join(numbers), _digits(numbers)


def query_terms(query: str) -> dict[str, tuple[str, ...]]:
    """Map each word of a search, as written, to its tokens; a Korean particle gives none.

    >>> query_terms("여왕벌에서 bees")
    {'여왕벌에서': ('여왕', '왕벌'), 'bees': ('bee',)}
    """
    # A particle of n letters is in the last n bigrams.
    return {
        written: tokens[: len(tokens) - len(written) + len(_PARTICLE.sub("", written))]
        for written, tokens in terms(query)
    }


def words(text: str) -> Iterator[tuple[str, str]]:
    """Yield the words worth showing as (stem, as written), without stop words, numbers or "ran".

    Korean words count only with a particle, which is stripped: most others are verbs.

    >>> list(words("Bees dance: 꿀벌이 춤춘다"))
    [('bee', 'Bees'), ('danc', 'dance'), ('꿀벌', '꿀벌')]
    """
    for word in _WORD.findall(_normalise(text)):
        if _CJK_RUN.match(word):
            noun = _PLURAL.sub("", _PARTICLE.sub("", word))
            if len(noun) > 1 and (noun != word or not "가" <= word[0] <= "힣"):
                yield from () if noun in STOP_WORDS else ((noun, noun),)
        elif len(word) > 2 and (low := word.casefold()) not in _NOT_SHOWN:
            yield _stem(low), word.removesuffix("'s")


def cjk_characters(text: str) -> int:
    """Count the Hangul, Han and Kana characters; such text is not measured in words."""
    return sum(map(len, _CJK_RUN.findall(text)))


def _normalise(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'")


def _pieces(text: str) -> list[str]:
    found: list[str] = _ANY_PIECE.findall(_normalise(text).casefold())
    return found


def _tokens(word: str) -> tuple[str, ...] | None:
    """Return the tokens of a text without blanks; None if a spoken number is in it."""
    found = [_tokens_of_piece(piece) for piece in _pieces(word)]
    return None if None in found else tuple(token for tokens in found if tokens for token in tokens)


_kept_tokens = lru_cache(maxsize=32_768)(_tokens)


def _tokens_of_piece(piece: str) -> tuple[str, ...] | None:
    """Return a piece's tokens: () for a stop word; None for a part of a spoken number."""
    if piece in _VALUES or piece in _SCALES:
        return None
    match = _PIECE.fullmatch(piece)
    kind = match.lastgroup if match else None
    if kind == "cjk":
        return tuple(piece[i : i + 2] for i in range(max(len(piece) - 1, 1)))
    if kind == "number":
        return (piece.replace(",", ""),)
    return () if piece in STOP_WORDS else (_stem(piece),)


def _goes_on(numbers: list[str], piece: str, tokens: tuple[str, ...] | None) -> bool:
    """Whether the piece is a part of the spoken number, or begins one."""
    return tokens is None or (piece == "and" and numbers[-1:] == ["hundred"])


@lru_cache(maxsize=32_768)
def _stem(word: str) -> str:
    import snowballstemmer  # here: it loads thirty languages (0.15 s), which slows --help

    word = word.removesuffix("'s")
    # A new stemmer each time: it holds the current word, so threads must not share one.
    return str(snowballstemmer.stemmer("english").stemWord(_BASE_FORM.get(word, word)))


def _digits(number_words: list[str]) -> tuple[str, ...]:
    """Convert number words, if there are any, to one token of digits; pairs are read as years.

    >>> _digits(["nineteen", "fifty", "five"]), _digits(["two", "thousand", "five"])
    (('1955',), ('2005',))
    """
    if not number_words:
        return ()
    whole = part = 0
    for word in number_words:
        scale, value = _SCALES.get(word, 0), _VALUES.get(word, 0)
        if scale == 100:
            part = max(part, 1) * 100
        elif scale:
            whole, part = whole + max(part, 1) * scale, 0
        elif part % 100 == 0 or (part % 10 == 0 and part % 100 >= 20 and value < 10):
            part += value
        else:
            part = part * 100 + value
    return (str(whole + part),)
