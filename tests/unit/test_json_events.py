"""This file checks the lines of `--json`: exactly the promised fields, one line, safe to print."""

import json

from bot.cli import json_events
from bot.words import Words
from core.errors import VideoTooLong
from core.model import (
    SPEECH_LIGHTER,
    Answer,
    Chapter,
    Citation,
    CitedPlace,
    Place,
    Point,
    Progress,
    Proof,
    Ready,
    SearchResult,
    Segment,
    Summary,
    Transcript,
    Video,
)

VIDEO = Video("dQw4w9WgXcQ", "벌의 춤", "The Hive", 125.0, hashtags=("bees",))
POINT = {"text": "Bees dance.", "start_s": 0.1}
SUMMARY = Summary(
    "Bees",
    (Point("Bees dance.", 0.1 + 1e-9),),
    (Chapter("Dance", 0.0, 125.0, (Point("Bees dance.", 0.1),)),),
    ("bees",),
    ("Why?", "Who?", "Where?"),
    "en",
    125.0,
    "extractive",
)


def test_a_ready_video_has_exactly_the_promised_fields():
    transcript = Transcript(
        VIDEO.id, "en", "whisper", (Segment(0.1, 2.0, "Bees dance."),), "secret"
    )
    assert json_events.ready_event(Ready(VIDEO, transcript, SUMMARY, ("captions_used",))) == {
        "event": "ready",
        "video": {
            "id": "dQw4w9WgXcQ",
            "title": "벌의 춤",
            "url": "https://youtu.be/dQw4w9WgXcQ",
            "duration_s": 125.0,
            "channel_name": "The Hive",
            "hashtags": ["bees"],
        },
        "transcript": {
            "language": "en",
            "source": "whisper",
            "segments": [{"start_s": 0.1, "end_s": 2.0, "text": "Bees dance."}],
        },
        "summary": {
            "topic": "Bees",
            "points": [POINT],
            "chapters": [{"title": "Dance", "start_s": 0.0, "end_s": 125.0, "points": [POINT]}],
            "hashtags": ["bees"],
            "questions": ["Why?", "Who?", "Where?"],
            "language": "en",
            "covered_s": 125.0,
            "engine": "extractive",
        },
        "notes": ["captions_used"],
    }


def test_an_answer_has_exactly_the_promised_fields():
    citation = Citation(1, VIDEO.id, 0.1, 2.0, "Bees dance.", VIDEO.url_at(0.1))
    answer = Answer("Why?", "So [1].", (citation,), ("A?", "B?", "C?"), True, "extractive")
    assert json_events.answer_event(answer) == {
        "event": "answer",
        "question": "Why?",
        "text": "So [1].",
        "citations": [
            {
                "n": 1,
                "video_id": "dQw4w9WgXcQ",
                "start_s": 0.1,
                "end_s": 2.0,
                "quote": "Bees dance.",
                "url": "https://youtu.be/dQw4w9WgXcQ?t=0",
            }
        ],
        "questions": ["A?", "B?", "C?"],
        "grounded": True,
        "grounding": "grounded",
        "engine": "extractive",
        "timings": {"load_ms": 0, "retrieval_ms": 0, "first_token_ms": 0, "total_ms": 0},
        "notes": [],
    }


def test_the_small_events_have_exactly_the_promised_fields():
    place = Place(VIDEO, (Segment(0.1, 1.0, "Bees"), Segment(1.0, 2.0, "dance.")), 0.5)
    hit = json_events.hits_event("bees", SearchResult((place,), (), ("moon",), ("keyword_only",)))
    told = json_events.error_event(VideoTooLong(300, 240), Words("ko"))
    assert json_events.progress_event(Progress("load")) == {
        "event": "progress",
        "stage": "load",
        "fraction": 0.0,
        "eta_s": None,
    }
    noted = json_events.progress_event(Progress("load", note=SPEECH_LIGHTER))
    assert noted == json_events.progress_event(Progress("load")) | {"note": SPEECH_LIGHTER}
    assert json_events.text_event("Be") == {"event": "text", "delta": "Be"}
    assert list(told) == ["event", "code", "message", "hint", "permanent"]
    assert told["message"] == "300분짜리 영상이에요. 240분까지만 처리할 수 있어요."
    assert hit == {
        "event": "hits",
        "query": "bees",
        "hits": [
            {
                "video_id": "dQw4w9WgXcQ",
                "title": "벌의 춤",
                "start_s": 0.1,
                "end_s": 2.0,
                "text": "Bees dance.",
                "score": 0.5,
                "url": "https://youtu.be/dQw4w9WgXcQ?t=0",
            }
        ],
        "nearest": [],
        "unsaid": ["moon"],
        "notes": ["keyword_only"],
    }
    [listed] = json_events.videos_event([VIDEO], {VIDEO.id})["videos"]
    assert (listed["id"], listed["pinned"]) == ("dQw4w9WgXcQ", True)


def test_a_proof_gives_each_place_with_what_is_said_around_it():
    cited = Citation(1, VIDEO.id, 62.9, 70.0, "the angle", VIDEO.url_at(62.9))
    event = json_events.proof_event(
        Proof("Why?", (CitedPlace(cited, VIDEO, "the angle", "So,", "is it."),))
    )
    assert event == {
        "event": "proof",
        "question": "Why?",
        "places": [
            {
                "n": 1,
                "video_id": VIDEO.id,
                "title": VIDEO.title,
                "start_s": 62.9,
                "end_s": 70.0,
                "before": "So,",
                "said": "the angle",
                "after": "is it.",
                "url": "https://youtu.be/dQw4w9WgXcQ?t=62",
            }
        ],
    }


def test_an_event_is_one_printable_line_that_reads_back_exactly():
    hostile = "벌\x1b[2J\x9b1m\u2028\r\n\udc80"
    line = json_events.line(json_events.text_event(hostile))
    assert json.loads(line)["delta"] == hostile
    assert "벌" in line
    assert line.splitlines() == [line]
    assert line.encode("utf-8").isascii() is False
    assert "\x9b" not in line
