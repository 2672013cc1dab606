"""A language model that reads the numbered lines of its prompt and says only what they say.

`lecture` answers a question by quoting the lines that share most of its words, each with its
marker, or with the one word that the prompt asks for if no line does. It fills any JSON schema by
the names of its properties, with line numbers that exist.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from core.text.tokens import tokenise

_LINE = re.compile(r"^\[(\d+)\] (.+)$", re.MULTILINE)
_COUNTS = {"points": 5, "chapters": 3, "hashtags": 3, "questions": 3}
_ENOUGH, _NEAR = 0.5, 5


@dataclass(frozen=True)
class Line:
    """A numbered line of the prompt."""

    number: int
    text: str


def lecture(messages: Sequence[dict[str, Any]], schema: dict[str, Any] | None) -> object:
    """Generate a complete reply: text, or an object for the schema."""
    lines = [Line(int(n), text) for m in messages for n, text in _LINE.findall(m["content"])]
    if schema is None:
        return _answer(messages, lines)
    return _Filler(schema, messages[-1]["content"], lines or [Line(1, "Nothing")]).filled()


def _answer(messages: Sequence[dict[str, Any]], lines: Sequence[Line]) -> str:
    asked = re.search(r"Question: (.+)", messages[-1]["content"])
    question = asked[1] if asked else messages[-1]["content"]
    scores = _scores(question, [set(tokenise(line.text)) for line in lines])
    best = max(scores, default=0.0)
    if best < _ENOUGH:
        none = re.search(r"single word (\w+)", messages[0]["content"])
        return none[1] if none else "I do not know."
    chosen = [line for line, score in zip(lines, scores, strict=True) if score >= 0.99 * best]
    return " ".join(f"{line.text} [{line.number}]" for line in chosen[:2])


def _scores(question: str, tokens: list[set[str]]) -> list[float]:
    """The share of the question's words in each line, weighted by rarity. "It is long" gains from a
    recent "The river Lena ..."; a line without the question's names scores 0."""
    wanted = set(tokenise(question))
    names = {token for name in re.findall(r" ([A-Z]\w+)", question) for token in tokenise(name)}
    spread = Counter(token for said in tokens for token in said)
    rarity = {token: log(1 + len(tokens) / (1 + spread[token])) for token in wanted}
    total = sum(rarity.values()) or 1.0
    scores = []
    for i, said in enumerate(tokens):
        around = tokens[max(i - _NEAR, 0) : i]
        here = sum(rarity[token] for token in wanted & said)
        before = [sum(rarity[token] for token in wanted & near - said) for near in around]
        is_about = names <= said.union(*around)
        scores.append((here + 0.8 * max(before, default=0)) / total if here and is_about else 0.0)
    return scores


class _Filler:
    """Fills a JSON schema; property names decide what goes in."""

    def __init__(self, schema: dict[str, Any], task: str, lines: Sequence[Line]) -> None:
        self._schema = schema
        self._lines = lines
        self._marks = re.findall(r"\(\d[\d:]*\) ([^;]+)", task.partition("exactly these: ")[2])
        about = re.search(r"chapters, about (\d+)", task)
        chapters = len(self._marks) or (int(about[1]) if about else _COUNTS["chapters"])
        self._counts = _COUNTS | {
            "chapters": min(chapters, len(lines)),
            "points": min(_COUNTS["points"], len(lines)),
        }
        words = Counter(word for line in lines for word in re.findall(r"[^\W\d_]{5,}", line.text))
        self._words = [word for word, _ in words.most_common(40) if tokenise(word)] or ["video"]

    def filled(self) -> object:
        return self._value(self._schema, "", None)

    def _value(self, schema: dict[str, Any], name: str, place: float | None) -> object:
        """Generate one value. `place`: position in the lines, 0 to 1; None outside every list."""
        schema = self._resolved(schema)
        kind = schema.get("type")
        if "const" in schema or "enum" in schema:
            return schema["const"] if "const" in schema else schema["enum"][0]
        if kind == "object":
            fields = schema.get("properties", {})
            return {key: self._value(field, key, place) for key, field in fields.items()}
        if kind == "array":
            count = self._counts.get(name, 2) if place is None else 1
            count = max(min(count, schema.get("maxItems", count)), schema.get("minItems", 0))
            places = [i / count for i in range(count)] if place is None else [place] * count
            return [self._value(schema["items"], name, at) for at in places]
        if kind in ("integer", "number"):
            return self._line(place or 0.0).number
        if kind == "boolean":
            return True
        return self._text(name, place or 0.0)[: schema.get("maxLength")]

    def _text(self, name: str, place: float) -> str:
        line = self._line(place).text.removeprefix("Chapter: ")
        word = self._words[int(place * (len(self._words) - 1))]
        if name == "hashtags":
            return word
        if name == "questions":
            return f"What about {word}?"
        if name == "title":
            at = round(place * len(self._marks))
            return self._marks[at] if self._marks else " ".join(line.split()[:6]).rstrip(".,?!")
        return line

    def _line(self, place: float) -> Line:
        return self._lines[min(int(place * len(self._lines)), len(self._lines) - 1)]

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._resolved(self._schema["$defs"][name])
        if "anyOf" in schema:
            return self._resolved(next(s for s in schema["anyOf"] if s.get("type") != "null"))
        return schema
