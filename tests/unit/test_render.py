"""Texts in the terminal: errors, summaries, answers, and hostile input."""

import inspect
import re
from collections import Counter
from dataclasses import fields, replace
from typing import get_args

import pytest

from bot.cli.exit_codes import exit_code
from bot.rendering.errors import describe_error
from bot.rendering.phrases import render_progress
from bot.rendering.terminal import (
    render_answer,
    render_error,
    render_hits,
    render_proof,
    render_ready,
    render_videos,
)
from bot.words import Words
from core import errors
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
    Stage,
    Summary,
    Transcript,
    TranscriptSource,
    Video,
)

EN, KO = Words("en"), Words("ko")
BRANCHES = {errors.RequestError, errors.VideoError, errors.BackendError, errors.ConfigError}
BRANCHES |= {errors.ReplyBroken}  # only its kinds are raised
LEAVES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.CoreError) and kind not in BRANCHES | {errors.CoreError}
]
EXAMPLES = {"float": 5.0, "int": 7, "str": "seven", "tuple[str, ...]": ("DE", "FR")}
HOSTILE = "\x1b]0;owned\x07\x1b[2Jti\x9b31mtle\r\n\u202e[bold]x[/bold]\udc80"

BEES = Video("dQw4w9WgXcQ", "How bees dance", "The Hive", 125.0, hashtags=("bees",))
CHAPTER = Chapter("The waggle", 62.0, 125.0, (Point("It points at flowers.", 70.5),))
QUESTIONS = ("Why do they dance?", "Who watches?", "How far is it?")
SUMMARY = Summary(
    topic="The dance of the bees",
    points=(Point("Bees dance.", 0.0), Point("The angle is a direction.", 62.9)),
    chapters=(CHAPTER,),
    hashtags=("bees", "#dance"),
    questions=QUESTIONS,
    language="en",
    covered_s=125.0,
    engine="extractive",
)
TRANSCRIPT = Transcript(BEES.id, "en", "whisper", (Segment(0.0, 125.0, "Bees dance."),))
READY = Ready(BEES, TRANSCRIPT, SUMMARY, ("captions_automatic",))
CITATION = Citation(1, BEES.id, 62.9, 70.0, "the angle", BEES.url_at(62.9))
ANSWER = Answer("Which way?", "By its angle [1].", (CITATION,), QUESTIONS, True, "qwen3:8b")


def example(kind: type[errors.CoreError]) -> errors.CoreError:
    return kind(*(EXAMPLES[field.type] for field in fields(kind)))


def test_every_error_has_its_own_words_and_a_next_step():
    wrong = []
    for words in (EN, KO):
        told = {kind: describe_error(example(kind), words) for kind in LEAVES}
        messages = Counter(error.message for error in told.values())
        wrong += [
            (kind.__name__, error)
            for kind, error in told.items()
            if messages[error.message] > 1
            or not error.hint
            or "{" in error.message + error.hint
            or (error.code, error.permanent) != (example(kind).code, kind.permanent)
        ]
    assert not wrong


def test_every_error_comes_back_from_its_code():
    pairs = [(error, errors.from_code(error.code, error.facts)) for error in map(example, LEAVES)]
    assert not [a for a, b in pairs if (type(a), a.facts) != (type(b), b.facts)]


def test_no_words_are_kept_for_errors_that_are_gone():
    codes = {key.split(".")[1] for key in EN.texts if key.startswith("errors.")}
    assert codes == {example(kind).code for kind in LEAVES} | {"unexpected"}


def test_every_fact_in_the_words_is_a_field_of_the_error():
    for kind in LEAVES:
        code, facts = example(kind).code, example(kind).facts
        for key in (key for key in EN.texts if key.startswith(f"errors.{code}.")):
            EN(key, **facts)


def test_what_youtube_did_not_tell_leaves_no_hole():
    assert "Available in: DE, FR." in describe_error(errors.GeoBlocked(("DE", "FR")), EN).message
    assert describe_error(errors.GeoBlocked(), EN).message.endswith("this machine's country.")
    assert describe_error(errors.NotYetAired(), EN).message.endswith("hasn't started yet.")


def test_an_unforeseen_error_is_told_without_its_details():
    told = describe_error(ValueError("secret at /home/ada"), EN)
    assert told.code == "unexpected"
    assert not told.permanent
    assert "secret" not in told.message + told.hint


@pytest.mark.parametrize(
    ("error", "seen", "unseen"),
    [
        (errors.SpeechModelMissing("/home/ada/models/tiny"), " tiny ", "ada"),
        (errors.ModelFailed("load model: /home/ada/.ollama/blobs/sha256-ab"), "sha256-ab", "ada"),
        (errors.ModelFailed(r"load model: C:\Users\ada\blobs\sha256-ab"), "sha256-ab", "ada"),
        (errors.OllamaUnreachable("http://ada:pw@host:1/a/b"), "http://host:1/a/b", "pw"),
        (errors.NotALink("\x1b[2Jhello\nworld"), "hello world", "\x1b"),
        (errors.NotALink("x" * 900), "x" * 199 + "…", "x" * 200),
        (errors.SpeechModelMissing("org/tiny.en"), " org/tiny.en ", "//"),
    ],
)
def test_facts_show_no_folders_passwords_or_controls(error, seen, unseen):
    told = render_error(error, EN)
    assert seen in told
    assert unseen not in told.split("\n")[0]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotALink("x"), 2),
        (errors.VideoPrivate(), 2),
        (errors.BotCheck(), 75),
        (errors.ModelMissing("qwen3:8b"), 78),
        (ValueError(), 75),
    ],
)
def test_exit_codes_tell_whose_turn_it_is(error, code):
    assert exit_code(error) == code


def test_a_summary_links_every_line_to_its_second():
    assert render_ready(READY, EN) == (
        "How bees dance\n\nThe Hive · 2:05 · https://youtu.be/dQw4w9WgXcQ\n\n"
        "Topic: The dance of the bees\n\n"
        "Points\n- [0:00] Bees dance.  https://youtu.be/dQw4w9WgXcQ?t=0\n"
        "- [1:02] The angle is a direction.  https://youtu.be/dQw4w9WgXcQ?t=62\n\n"
        "Chapters\n\n[1:02] The waggle  https://youtu.be/dQw4w9WgXcQ?t=62\n"
        "- [1:10] It points at flowers.  https://youtu.be/dQw4w9WgXcQ?t=70\n\n"
        "#bees #dance\n\n"
        "Suggested questions\n1. Why do they dance?\n2. Who watches?\n3. How far is it?\n\n"
        "Covers 2:05 of 2:05\n"
        "Transcribed by Whisper · Made without a language model\n"
        "These captions were generated by YouTube and may contain errors."
    )


def test_no_more_is_covered_than_there_is():
    read = replace(SUMMARY, covered_s=60.0), replace(SUMMARY, covered_s=126.4)
    told = [render_ready(replace(READY, summary=summary), EN) for summary in read]
    assert "Covers 1:00 of 2:05" in told[0]
    assert "Covers 2:05 of 2:05" in told[1]


def test_an_answer_shows_where_each_marker_leads():
    assert render_answer(ANSWER, {}, EN) == (
        "By its angle [1].\n\n"
        "Sources:\n[1] 1:02 “the angle”  https://youtu.be/dQw4w9WgXcQ?t=62\n\n"
        "Written by qwen3:8b\n\n"
        "Suggested questions\n1. Why do they dance?\n2. Who watches?\n3. How far is it?"
    )


def test_a_streamed_answer_is_not_printed_twice():
    assert render_answer(ANSWER, {}, EN, streamed=True).startswith("Sources:")


def test_an_answer_names_the_videos_it_cites_where_that_is_not_clear():
    told = render_answer(ANSWER, {BEES.id: "How bees\ndance"}, EN)
    assert "[1] 1:02 “the angle” — “How bees dance”  https" in told


def test_an_answer_that_is_not_in_the_video_says_so():
    nothing = Answer("Why?", "", (), (), False, "extractive", notes=("keyword_only",))
    guess = Answer("Why?", "Perhaps.", (), (), False, "qwen3:8b")
    assert render_answer(nothing, {}, KO).startswith("영상에 없는 내용이에요.\n\n임베딩")
    assert render_answer(nothing, {}, KO, streamed=True).startswith("영상에 없는 내용이에요.")
    assert "Nothing in the video supports this answer." in render_answer(guess, {}, EN)


def test_a_proof_shows_what_is_said_around_each_place():
    place = CitedPlace(CITATION, BEES, said="the angle", before="It\nis", after="that points.")
    assert render_proof(Proof("Which way?", (place,)), EN) == (
        "Where the answer to “Which way?” comes from:\n\n"
        "[1] 1:02  How bees dance  https://youtu.be/dQw4w9WgXcQ?t=62\n"
        "   It is\n   “the angle”\n   that points."
    )


def test_a_search_shows_each_sentence_under_the_name_of_what_it_is():
    said, near = place(62.9, "the angle", 1.0), place(70.2, "a corner", 0.4)
    whole = render_hits("angle", SearchResult((said,), (near,), notes=("cache_rebuilding",)), EN)
    part = render_hits(
        "angle moon", SearchResult((replace(said, nearness=0.5),), (), ("moon",)), EN
    )
    assert whole.split("\n\n") == [
        "“angle” is said here:",
        "1. How bees dance  1:02  https://youtu.be/dQw4w9WgXcQ?t=62\n   the angle",
        "Near in meaning:",
        "2. How bees dance  1:10  https://youtu.be/dQw4w9WgXcQ?t=70\n   a corner",
        EN("notes.cache_rebuilding"),
    ]
    assert part.startswith("No sentence has all the words of “angle moon”.")
    assert part.endswith("Said nowhere: “moon”")


def place(start_s, text, nearness, video=BEES):
    return Place(video, (Segment(start_s, start_s + 2, text),), nearness)


def test_hits_and_videos_are_listed_or_their_absence_is_told():
    assert render_hits("moon", SearchResult(unsaid=("moon",)), EN) == "No sentence says “moon”."
    listed = ["2:05", "How bees dance · The Hive"]
    assert render_videos([BEES], (), EN).split(maxsplit=2)[1:] == listed
    assert "2:05  📌 · How bees dance" in render_videos([BEES], {BEES.id}, EN)
    assert "tubethread ingest" in render_videos([], (), EN)


def test_progress_tells_the_time_left_only_where_it_is_known():
    assert (
        render_progress(Progress("transcribe", 0.425, 65), EN) == "Transcribing · 42% · 1:05 left"
    )
    assert render_progress(Progress("resolve"), KO) == "영상 정보를 찾는 중 · 0%"


def test_progress_tells_that_hearing_goes_on_with_less():
    told = render_progress(Progress("transcribe", 0.5, 65, note=SPEECH_LIGHTER), EN)
    assert told == "Transcribing · 50% · 1:05 left · slower mode"
    assert all(f"{where}.{SPEECH_LIGHTER}" in EN for where in ("notes", "stage_notes"))


def test_every_stage_and_source_has_words():
    for group, codes in (("stages", get_args(Stage)), ("sources", get_args(TranscriptSource))):
        keys = {key for key in EN.texts if key.startswith(f"{group}.")}
        assert keys == {f"{group}.{code}" for code in codes}


def test_hostile_text_cannot_command_a_terminal_or_forge_lines():
    video = Video("dQw4w9WgXcQ", HOSTILE, HOSTILE, 125.0)
    points = (Point(HOSTILE, 0.0),)
    summary = Summary(
        HOSTILE,
        points,
        (Chapter(HOSTILE, 0.0, 1.0, points),),
        (HOSTILE,),
        (HOSTILE,) * 3,
        "en",
        1.0,
        "extractive",
    )
    citation = Citation(1, video.id, 0.0, 1.0, HOSTILE, video.url)
    answer = Answer(HOSTILE, HOSTILE, (citation,), (HOSTILE,) * 3, True, "extractive")
    found = place(0.0, HOSTILE, 1.0, video)
    screen = (
        render_ready(Ready(video, TRANSCRIPT, summary), EN)
        + render_answer(answer, {}, EN)
        + render_hits(HOSTILE, SearchResult((found,), (found,), (HOSTILE,)), EN)
        + render_videos([video], (), EN)
    )
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", screen)
    assert "owned" not in screen
    assert len(render_videos([video], (), EN).splitlines()) == 1


def test_the_log_tells_nothing_that_a_person_typed():
    assert str(errors.NotALink("my secret plan")) == "not_a_link"
    too_large = errors.FileTooLarge("our-salaries.mp3", 20)
    assert str(too_large) == "file_too_large {'max_megabytes': 20}"


@pytest.mark.parametrize(
    ("seconds", "en", "ko"),
    [
        (14_400, "after 4 hours without", "4시간 동안"),
        (3600, "after 1 hour without", "1시간 동안"),
        (1800, "after 30 minutes without", "30분 동안"),
        (60, "after 1 minute without", "1분 동안"),
        (90, "after 90 seconds without", "90초 동안"),
        (1, "after 1 second without", "1초 동안"),
    ],
)
def test_a_time_limit_is_told_in_its_longest_whole_unit(seconds, en, ko):
    error = errors.WorkerTimeout("fetch", seconds)
    assert en in describe_error(error, EN).message
    assert ko in describe_error(error, KO).message
