"""Repair of the malformed JSON that models write."""

import json

import pytest
from jsonschema import Draft202012Validator

from core.errors import BadModelOutput
from core.language_model.replies import (
    MAX_POINTS,
    TEXT_CHARACTERS,
    Draft,
    NotesDraft,
    QuestionsDraft,
    SummaryDraft,
    parse,
    schema,
)

STARTS = (0.0, 10.0, 20.0, 30.0, 700.0)
WHOLE = {
    "topic": "How bees dance",
    "points": [{"text": "Bees dance.", "segment": 2}],
    "chapters": [{"title": "The dance", "segment": 1, "points": []}],
    "hashtags": ["#bees"],
    "questions": ["Why?"],
}
TEXT = json.dumps(WHOLE)


def notes(segment: object) -> NotesDraft:
    return parse(
        json.dumps({"points": [{"text": "Bees.", "segment": segment}]}), NotesDraft, STARTS
    )


@pytest.mark.parametrize(
    "reply", [TEXT, f"```json\n{TEXT}\n```", f"Here it is:\n{TEXT}\nI hope it helps {{you}}."]
)
def test_json_is_found_among_other_text(reply):
    assert parse(reply, SummaryDraft, STARTS).model_dump() == WHOLE


def test_json_that_was_cut_off_keeps_what_is_whole():
    cut = TEXT[: TEXT.index("hashtags") + 12]
    draft = parse(cut, SummaryDraft, STARTS)
    assert draft.chapters[0].title == "The dance"
    assert draft.hashtags == []


@pytest.mark.parametrize(
    ("written", "line"),
    [
        *(
            (2, 2),
            ("2", 2),
            ("[2]", 2),
            (" [2] ", 2),
            ([2], 2),
            (2.0, 2),
            ("2-4", 2),
            ("line 2", 2),
        ),
        *(("0:25", 3), ("(0:00:25)", 3), ("25s", 3), ("25 sec", 3), (25.5, 3), (25, 3), (700, 5)),
    ],
)
def test_a_line_is_understood_however_it_is_written(written, line):
    assert notes(written).points[0].segment == line


@pytest.mark.parametrize("written", [None, True, -1, "-3", "x", 99_999, "9:59:59", {}, [], 1e300])
def test_a_point_without_a_line_is_left_out(written):
    with pytest.raises(BadModelOutput):
        notes(written)


def test_broken_items_are_dropped_and_the_others_kept():
    points = [{"text": "Bees.", "segment": 1}, {"text": ""}, 7, None, "Wasps. [3]", {"segment": 1}]
    draft = parse(json.dumps({"points": points, "chapters": "none"}), NotesDraft, STARTS)
    assert [(p.text, p.segment) for p in draft.points] == [("Bees.", 1), ("Wasps.", 3)]
    assert draft.chapters == []


def test_lists_come_as_objects_and_strings_too():
    reply = {"topic": ["Bees", "dance"], "points": {"1": "Bees. [1]", "2": "Wasps. [2]"}}
    reply |= {"hashtags": "#bees #honey", "questions": {"1": "Why, then?", "2": "Who?"}}
    draft = parse(json.dumps(reply), SummaryDraft, STARTS)
    assert draft.topic == "Bees dance"
    assert len(draft.points) == 2
    assert draft.hashtags == ["#bees", "#honey"]
    assert draft.questions == ["Why, then?", "Who?"]


@pytest.mark.parametrize("text", ["null", "}", "?", "[1]?", "Bees dance.", "12?", "<|im_end|>"])
def test_what_is_no_question_is_left_out(text):
    reply = json.dumps({"questions": [text, "Why?"]})
    assert parse(reply, QuestionsDraft).questions == ["Why?"]


def test_titles_lose_times_markers_links_and_length():
    titles = ["0:00 - The dance", "The dance [1]", "[The dance](http://evil.example)", "bee " * 99]
    chapters = [{"title": title, "segment": 1} for title in titles]
    reply = json.dumps({"points": ["Bees. [1]"], "chapters": chapters})
    *read, long = [chapter.title for chapter in parse(reply, NotesDraft, STARTS).chapters]
    assert read == ["The dance"] * 3
    assert len(long) <= 100


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("", "no JSON"),
        ("I cannot do that.", "no JSON"),
        ("{'topic': 1}", "key must be a string"),
        ('{"topic": "Bees"}', "points"),
        ('{"points": ["Bees. [1]"]}', "topic"),
        ('{"topic": {}, "points": []}', "topic: Value error, a text is missing; points: "),
        ("{" * 5000, "key"),
        ("[" * 5000, "no JSON"),
    ],
)
def test_what_cannot_be_repaired_is_refused_with_the_reason(reply, problem):
    with pytest.raises(BadModelOutput) as refused:
        parse(reply, SummaryDraft, STARTS)
    assert problem in refused.value.detail


def kinds(kind=Draft):
    """Every kind of reply."""
    return [below for child in kind.__subclasses__() for below in (child, *kinds(child))]


def parts(schema):
    """The schema and every part of it."""
    yield schema
    for value in schema.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from parts(part)


@pytest.mark.parametrize("kind", kinds())
def test_the_schema_asks_for_every_field_and_no_other(kind):
    objects = [part for part in parts(schema(kind)) if part.get("type") == "object"]
    assert objects
    for part in objects:
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False


@pytest.mark.parametrize("kind", kinds())
def test_nothing_in_a_schema_is_without_end(kind):
    """A server makes a grammar of it, in which a model may loop as long as it is allowed to."""
    bounds = {"array": "maxItems", "string": "maxLength", "integer": "maximum"}
    open_parts = [
        part
        for part in parts(schema(kind, lines=7))
        if part.get("type") in bounds and bounds[part["type"]] not in part
    ]
    assert open_parts == []


@pytest.mark.parametrize("kind", [SummaryDraft, NotesDraft])
def test_the_schema_allows_only_lines_of_the_prompt(kind):
    draft = {"topic": "Bees", "points": [{"text": "Bees.", "segment": 7}]}
    draft |= {"chapters": [], "hashtags": [], "questions": []}
    whole = {name: draft[name] for name in kind.model_fields}
    for lines, is_valid in ((7, True), (6, False), (0, True)):
        assert Draft202012Validator(schema(kind, lines)).is_valid(whole) is is_valid


def test_what_is_longer_than_the_schema_allows_is_read_all_the_same():
    points = [{"text": f"Bee {n}.", "segment": 1} for n in range(3 * MAX_POINTS)]
    draft = parse(json.dumps({"topic": "bee " * 500, "points": points}), SummaryDraft, STARTS)
    assert len(draft.points) == 3 * MAX_POINTS
    assert len(draft.topic) <= TEXT_CHARACTERS
