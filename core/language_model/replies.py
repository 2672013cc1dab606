"""Parse the JSON that a language model wrote: repair what can be repaired, reject the rest."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import from_json

from core.errors import BadModelOutput
from core.text.safe_text import safe_line

TEXT_CHARACTERS, TITLE_CHARACTERS, QUESTION_CHARACTERS, TAG_CHARACTERS = 400, 100, 150, 40
MAX_POINTS, MAX_NOTES, MAX_CHAPTER_POINTS = 12, 8, 3
MAX_CHAPTERS, MAX_TAGS, MAX_QUESTIONS = 40, 5, 3
"""How long a list may be in the schema that is sent. A server makes a grammar of it, so without a
limit a model may lawfully write questions without end. A longer list is read all the same."""
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d\d(?:\.\d+)?)")
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d+)?)\s*s(?:ec\w*)?\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d+)?")
_QUESTION = re.compile(r".*[^\W\d_].*[?？]\W*")
_LEADING_TIME = re.compile(r"\W*\d{1,3}(?::\d\d){1,2}\W*")

Starts = Sequence[float]
"""The second at which each line of the prompt starts, in order."""


def _line_number(value: object, info: ValidationInfo) -> int:
    """Read a line number. Models also write "[12]", "12:30", 750.5 or [12]."""
    starts: Starts = info.context or ()
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        value = _to_line_or_number(value, starts)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not the number of a line")
    return int(value) if value in range(1, len(starts) + 1) else _line_at(value, starts)


def _to_line_or_number(text: str, starts: Starts) -> float | None:
    """Read digits as a number, and a time as the number of the line spoken then."""
    if time := _CLOCK.search(text):
        hours, minutes, seconds = time.groups(default="0")
        return _line_at(int(hours) * 3600 + int(minutes) * 60 + float(seconds), starts)
    if time := _SECONDS.search(text):
        return _line_at(float(time[1]), starts)
    digits = _NUMBER.search(text)
    return float(digits[0]) if digits else None


def _line_at(second: float, starts: Starts) -> int:
    """Return the line spoken at `second`. A time after the last line's start is invented."""
    if not starts or not max(starts[0] - 1, 0) <= second <= starts[-1] + 1:
        raise ValueError("not the number of a line")
    return max(bisect_right(starts, second), 1)


def _clean_text(limit: int) -> BeforeValidator:
    def read(value: object) -> str:
        if isinstance(value, list):
            value = " ".join(map(str, value))
        text = safe_line(str(value), limit) if isinstance(value, str | int | float) else ""
        if not text:
            raise ValueError("a text is missing")
        return text

    return BeforeValidator(read)


def _bounded(limit: int) -> WithJsonSchema:
    """Say in the schema how long a text may be."""
    return WithJsonSchema({"type": "string", "minLength": 1, "maxLength": limit})


def _without_time(value: object) -> object:
    return _LEADING_TIME.sub("", value, count=1) if isinstance(value, str) else value


class Draft(BaseModel):
    """A reply. The schema requires every field, though some have defaults here.

    Docstrings of these classes are descriptions in the schema that the model server receives.
    """

    model_config = ConfigDict(
        json_schema_serialization_defaults_required=True,
        json_schema_extra={"additionalProperties": False},
    )


class PointDraft(Draft):
    """A statement and the line that supports it."""

    text: Annotated[str, _clean_text(TEXT_CHARACTERS), _bounded(TEXT_CHARACTERS)]
    segment: Annotated[int, BeforeValidator(_line_number)]


def _items(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, str):
        return list(re.split(r"[\n,]|\s(?=#)", value))
    return value if isinstance(value, list) else []


def _points(value: object, info: ValidationInfo) -> list[PointDraft]:
    """Keep the valid points. A bare "They dance. [12]" is split into text and line."""
    drafts = []
    for item in _items(value):
        marker = re.search(r"\[[^\]]*\]", item) if isinstance(item, str) else None
        whole = {"text": item, "segment": marker[0]} if marker else item
        try:
            drafts.append(PointDraft.model_validate(whole, context=info.context))
        except ValidationError:
            continue
    return drafts


Points = Annotated[list[PointDraft], BeforeValidator(_points)]


def _list(limit: int, *, least: int = 0) -> Any:
    """A list of `least` items and more, which is empty if it is missing and may be. The schema
    allows `limit`."""
    if least:
        return Field(min_length=least, json_schema_extra={"maxItems": limit})
    return Field(default_factory=list, json_schema_extra={"maxItems": limit})


class ChapterDraft(Draft):
    """A title, the first line and the points of a chapter."""

    title: Annotated[
        str,
        _clean_text(TITLE_CHARACTERS),
        BeforeValidator(_without_time),
        _bounded(TITLE_CHARACTERS),
    ]
    segment: Annotated[int, BeforeValidator(_line_number)]
    points: Points = _list(MAX_CHAPTER_POINTS)


def _chapters(value: object, info: ValidationInfo) -> list[ChapterDraft]:
    drafts = []
    for item in _items(value):
        try:
            drafts.append(ChapterDraft.model_validate(item, context=info.context))
        except ValidationError:
            continue
    return drafts


def _texts(value: object) -> list[str]:
    texts = (safe_line(t, QUESTION_CHARACTERS) for t in _items(value) if isinstance(t, str))
    return [text for text in texts if text]


def _questions(value: object) -> list[str]:
    """Read questions; a string is split at line ends, not at commas. People press them as buttons,
    so what is no question ("null", a bracket) is left out."""
    texts = _texts(value.split("\n") if isinstance(value, str) else value)
    return [text for text in texts if _QUESTION.fullmatch(text)]


Chapters = Annotated[list[ChapterDraft], BeforeValidator(_chapters)]
Tags = Annotated[list[Annotated[str, _bounded(TAG_CHARACTERS)]], BeforeValidator(_texts)]
Questions = Annotated[
    list[Annotated[str, _bounded(QUESTION_CHARACTERS)]], BeforeValidator(_questions)
]


class NotesDraft(Draft):
    """Notes on one part of a transcript."""

    points: Points = _list(MAX_NOTES, least=1)
    chapters: Chapters = _list(MAX_CHAPTERS)


class SummaryDraft(Draft):
    """A summary as the model wrote it."""

    topic: Annotated[str, _clean_text(TEXT_CHARACTERS), _bounded(TEXT_CHARACTERS)]
    points: Points = _list(MAX_POINTS, least=1)
    chapters: Chapters = _list(MAX_CHAPTERS)
    hashtags: Tags = _list(MAX_TAGS)
    questions: Questions = _list(MAX_QUESTIONS)


class QuestionsDraft(Draft):
    """Suggested questions."""

    questions: Questions = _list(MAX_QUESTIONS, least=1)


class TranslationDraft(Draft):
    """A question in another language."""

    question: Annotated[str, _clean_text(TEXT_CHARACTERS), _bounded(TEXT_CHARACTERS)]


Kind = TypeVar("Kind", bound=Draft)


def schema(kind: type[Draft], lines: int = 0) -> dict[str, object]:
    """Return the JSON Schema that the reply must follow. `lines`: how many the prompt has."""
    found = kind.model_json_schema(mode="serialization")
    for part in (found, *found.get("$defs", {}).values()):
        if lines and "segment" in part["properties"]:
            part["properties"]["segment"] |= {"minimum": 1, "maximum": lines}
    return found


def parse(reply: str, kind: type[Kind], starts: Starts = ()) -> Kind:
    """Return the draft in a reply, ignoring text around the JSON and accepting truncated JSON.

    Every `segment` is between 1 and len(starts); items without a valid one are dropped.
    Raises BadModelOutput; its detail is written for the model.
    """
    begin = reply.find("{")
    try:
        if begin < 0:
            raise ValueError("there is no JSON object in it")
        written = from_json(reply[begin:], allow_partial=True)
        return kind.model_validate(written, context=starts)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadModelOutput("; ".join(problems)) from error
    except ValueError as error:
        raise BadModelOutput(str(error)) from error


def plain_text(reply: str) -> str:
    """Return the sentences of a reply that is JSON unasked, each with the line numbers after it.

    >>> plain_text('{"answer": "Bees dance.", "segment": [3]}')
    'Bees dance. [3]'
    """
    try:
        written = from_json(reply[reply.find("{") :], allow_partial="trailing-strings")
    except ValueError:
        return ""
    return " ".join(_texts_and_markers(written))


def _texts_and_markers(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_and_markers(item)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield f"[{value}]"
    elif isinstance(value, str) and value:
        yield f"[{value}]" if value.isdecimal() else value
