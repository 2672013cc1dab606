"""Repair of the malformed JSON that models write."""

import json

import pytest

from core.errors import BadModelOutput
from core.language_model.replies import NotesDraft, QuestionsDraft, SummaryDraft, parse, schema

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


def test_the_schema_asks_for_every_field():
    for kind in (SummaryDraft, NotesDraft, QuestionsDraft):
        asked = schema(kind)
        assert asked["required"] == list(asked["properties"])
    assert schema(SummaryDraft)["$defs"]["PointDraft"]["properties"]["segment"]["type"] == "integer"
