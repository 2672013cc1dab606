"""A recording becomes a true transcript and summary, and only once."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import LECTURES
from tests.harness.lectures import read_lecture

SUMMARY_KEYS = {
    "topic",
    "points",
    "chapters",
    "hashtags",
    "questions",
    "language",
    "covered_s",
    "engine",
}


@pytest.fixture(params=LECTURES)
def taken_in(request, ingested, recordings):
    """Return what is true of one lecture, and the `ready` that was printed."""
    truth = read_lecture(Path(recordings[request.param]).with_suffix(".json"))
    ready = ingested[1].named("ready")[LECTURES.index(request.param)]
    return truth, ready


def test_progress_tells_the_stages_in_order(ingested):
    first = next(i for i, event in enumerate(ingested[1].events) if event["event"] == "ready")
    progress = ingested[1].events[:first]
    stages = list(dict.fromkeys(event["stage"] for event in progress))
    begun = [stage for stage in stages if stage != "wait"]  # appears on a busy machine
    assert begun == ["resolve", "load", "transcribe", "summarise", "index"]
    assert all(0 <= event["fraction"] <= 1 for event in progress)
    assert any(event["eta_s"] is not None for event in progress)


def test_ready_has_the_fields_that_programs_read(taken_in):
    _, ready = taken_in
    assert ready["video"].keys() >= {
        *("id", "title", "url", "duration_s", "channel_name", "hashtags")
    }
    assert ready["transcript"].keys() == {"language", "source", "segments"}
    assert ready["summary"].keys() == SUMMARY_KEYS
    assert ready["transcript"]["source"] == "whisper"
    assert ready["transcript"]["language"] == "en"
    assert len(ready["summary"]["questions"]) == 3


def test_the_video_is_named_for_its_file_and_its_bytes(taken_in):
    truth, ready = taken_in
    assert ready["video"]["id"].startswith("file-")
    assert len(ready["video"]["id"]) == len("file-") + 32
    assert ready["video"]["duration_s"] == pytest.approx(truth.video.duration_s, abs=1)


def test_chapters_begin_where_a_topic_does_and_touch(taken_in):
    truth, ready = taken_in
    chapters, segments = ready["summary"]["chapters"], ready["transcript"]["segments"]
    starts = {segment["start_s"] for segment in segments}
    topics = [0.0, *(start_s for _, start_s in truth.topics[1:])]
    assert len(topics) <= len(chapters) <= len(topics) + 1  # a topic may have two
    for topic_s in topics:
        assert any(abs(chapter["start_s"] - topic_s) <= 2 for chapter in chapters)
    for chapter in chapters:
        assert chapter["start_s"] in starts
        assert {point["start_s"] for point in chapter["points"]} <= starts
    ends = [chapter["end_s"] for chapter in chapters]
    assert ends == [*(chapter["start_s"] for chapter in chapters[1:]), segments[-1]["end_s"]]


def test_every_point_is_said_in_its_second(taken_in):
    truth, ready = taken_in
    points = list(ready["summary"]["points"])
    points += [point for chapter in ready["summary"]["chapters"] for point in chapter["points"]]
    wrong = {point["text"] for point in points if not _is_said(point, truth)}
    # In the third lecture the small model skips whole sentences and stamps the next one too early,
    # by three seconds: which ones depends on where its clips are cut.
    assert len(wrong) <= (2 if truth.video.title.endswith("f2") else 0), wrong


def test_the_summary_covers_all_that_was_said(taken_in):
    _, ready = taken_in
    assert ready["summary"]["covered_s"] == ready["transcript"]["segments"][-1]["end_s"]


def test_the_same_file_again_is_not_heard_and_not_summed_up(
    library, ingested, recordings, tmp_path
):
    moved = tmp_path / "another name.flac"
    moved.write_bytes(Path(recordings["lecture-2min-us"]).read_bytes())
    again = library.run("ingest", str(moved), "--json")
    assert again.named("progress") == []
    assert again.only("ready") == ingested[1].named("ready")[0]


def test_another_channel_shares_the_hearing_but_not_the_library(library, recordings):
    name = recordings["lecture-2min-us"]
    before = library.run("videos", "--channel", "other", "--json").only("videos")["videos"]
    again = library.run("ingest", name, "--channel", "other", "--json")
    after = library.run("videos", "--channel", "other", "--json").only("videos")["videos"]
    assert before == []
    assert "transcribe" not in {event["stage"] for event in again.named("progress")}
    assert [video["id"] for video in after] == [again.only("ready")["video"]["id"]]


def test_a_subtitle_file_is_a_video_like_any_other(terminal, mill):
    ran = terminal.run("chat", str(mill), "--json", typed="Who built the old mill in Arden?\n")
    answer = ran.only("answer")
    assert ran.only("ready")["transcript"]["source"] == "file"
    assert answer["citations"][0]["start_s"] == 1.0
    assert answer["citations"][0]["url"] == "mill.srt#t=1"


def test_one_bad_input_stops_no_other(library, recordings):
    ran = library.run("ingest", "nonsense", recordings["lecture-2min-us"], "--json")
    assert [event["event"] for event in ran.events if event["event"] != "progress"] == [
        "error",
        "ready",
    ]
    assert ran.code == 2


def test_every_line_of_json_is_an_event(ingested):
    for line in ingested[1].out.splitlines():
        event = json.loads(line)
        assert event["event"] in {"progress", "ready"}


def _is_said(point, truth):
    near = [
        set(sentence.text.lower().split())
        for sentence in truth.transcript.segments
        if sentence.start_s - 2 <= point["start_s"] <= sentence.end_s + 2
    ]
    words = set(point["text"].lower().split())
    return any(len(words & sentence) >= 0.6 * len(sentence) for sentence in near)
