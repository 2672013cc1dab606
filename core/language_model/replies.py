"""This file reads the JSON a language model wrote: what can be repaired is, the rest is refused."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import from_json

from core.errors import BadModelOutput
from core.text.safe_text import safe_line

TEXT_CHARACTERS, TITLE_CHARACTERS, QUESTION_CHARACTERS = 400, 100, 150
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d\d(?:\.\d+)?)")
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d+)?)\s*s(?:ec\w*)?\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d+)?")
_LEADING_TIME = re.compile(r"\W*\d{1,3}(?::\d\d){1,2}\W*")

Starts = Sequence[float]
"""The second each line of the prompt begins, in their order."""


def _line(value: object, info: ValidationInfo) -> int:
    """The number of a line. Models also write "[12]", "12:30", 750.5 or [12]."""
    starts: Starts = info.context or ()
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        value = _number(value, starts)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not the number of a line")
    return int(value) if value in range(1, len(starts) + 1) else _at(value, starts)


def _number(text: str, starts: Starts) -> float | None:
    """What is written as digits; a time already as the line that is said then."""
    if time := _CLOCK.search(text):
        hours, minutes, seconds = time.groups(default="0")
        return _at(int(hours) * 3600 + int(minutes) * 60 + float(seconds), starts)
    if time := _SECONDS.search(text):
        return _at(float(time[1]), starts)
    found = _NUMBER.search(text)
    return float(found[0]) if found else None


def _at(second: float, starts: Starts) -> int:
    """The line that is said then. What is later than the last one begins is made up."""
    if not starts or not max(starts[0] - 1, 0) <= second <= starts[-1] + 1:
        raise ValueError("not the number of a line")
    return max(bisect_right(starts, second), 1)


def _text(most: int) -> BeforeValidator:
    def read(value: object) -> str:
        if isinstance(value, list):
            value = " ".join(map(str, value))
        text = safe_line(str(value), most) if isinstance(value, str | int | float) else ""
        if not text:
            raise ValueError("a text is missing")
        return text

    return BeforeValidator(read)


def _title(value: object) -> object:
    return _LEADING_TIME.sub("", value, count=1) if isinstance(value, str) else value


class Draft(BaseModel):
    """The model is asked for every field, though we can do without some."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class PointDraft(Draft):
    """A statement and the line it rests on."""

    text: Annotated[str, _text(TEXT_CHARACTERS)]
    segment: Annotated[int, BeforeValidator(_line)]


def _items(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, str):
        return list(re.split(r"[\n,]|\s(?=#)", value))
    return value if isinstance(value, list) else []


def _points(value: object, info: ValidationInfo) -> list[PointDraft]:
    """Those that are whole. A bare "They dance. [12]" is split."""
    found = []
    for item in _items(value):
        marker = re.search(r"\[[^\]]*\]", item) if isinstance(item, str) else None
        whole = {"text": item, "segment": marker[0]} if marker else item
        try:
            found.append(PointDraft.model_validate(whole, context=info.context))
        except ValidationError:
            continue
    return found


Points = Annotated[list[PointDraft], BeforeValidator(_points)]


class ChapterDraft(Draft):
    """A title, the line it begins with, and what is said in it."""

    title: Annotated[str, _text(TITLE_CHARACTERS), BeforeValidator(_title)]
    segment: Annotated[int, BeforeValidator(_line)]
    points: Points = []


def _chapters(value: object, info: ValidationInfo) -> list[ChapterDraft]:
    found = []
    for item in _items(value):
        try:
            found.append(ChapterDraft.model_validate(item, context=info.context))
        except ValidationError:
            continue
    return found


def _texts(value: object) -> list[str]:
    texts = (safe_line(t, QUESTION_CHARACTERS) for t in _items(value) if isinstance(t, str))
    return [text for text in texts if text]


def _questions(value: object) -> list[str]:
    """A string is one question, not a list with commas."""
    return _texts(value.split("\n") if isinstance(value, str) else value)


Chapters = Annotated[list[ChapterDraft], BeforeValidator(_chapters)]
Questions = Annotated[list[str], BeforeValidator(_questions)]


class NotesDraft(Draft):
    """What is noted of a part."""

    points: Points = Field(min_length=1)
    chapters: Chapters = []


class SummaryDraft(Draft):
    """What is said of the whole."""

    topic: Annotated[str, _text(TEXT_CHARACTERS)]
    points: Points = Field(min_length=1)
    chapters: Chapters = []
    hashtags: Annotated[list[str], BeforeValidator(_texts)] = []
    questions: Questions = []


class QuestionsDraft(Draft):
    """What may be asked next."""

    questions: Questions = Field(min_length=1)


Kind = TypeVar("Kind", bound=Draft)


def schema(kind: type[Draft]) -> dict[str, object]:
    """What the model is held to, as JSON Schema."""
    return kind.model_json_schema(mode="serialization")


def parse(reply: str, kind: type[Kind], starts: Starts = ()) -> Kind:
    """The draft in a reply, whatever stands around it and wherever it was cut off.

    Every `segment` is a number from 1 to the count of `starts`; items that have none are left out.
    Raises BadModelOutput with the reason in words for the model.
    """
    begin = reply.find("{")
    try:
        if begin < 0:
            raise ValueError("there is no JSON object in it")
        found = from_json(reply[begin:], allow_partial=True)
        return kind.model_validate(found, context=starts)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadModelOutput("; ".join(problems)) from error
    except ValueError as error:
        raise BadModelOutput(str(error)) from error
