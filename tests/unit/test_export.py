"""This file reads exported files back: by a strict subtitle reader, a markdown parser, JSON."""

import json
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import TypeAdapter

from bot.rendering.phrases import export_labels
from bot.words import Words
from core.export.formats import export, srt, vtt
from core.model import (
    Answer,
    CaptionTrack,
    Chapter,
    ChapterMark,
    Citation,
    Point,
    Segment,
    Summary,
    Transcript,
    Turn,
    Video,
)
from core.text.display import one_line

LABELS = export_labels(Words("en"))
EVIL = "<script>x</script> [free](http://evil) ![p](http://evil/p) `c` **b** 1 & 2 --> 3 | #h \\"
VIDEO = Video(
    "dQw4w9_gXcQ",
    "How bees dance",
    "The Hive",
    125.0,
    hashtags=("bees",),
    marks=(ChapterMark("Start", 0.0),),
    caption_tracks=(CaptionTrack("en-x", "en", True),),
)
TRANSCRIPT = Transcript(
    VIDEO.id, "en", "whisper", (Segment(0.0, 2.5, "Bees dance."), Segment(62.9, 65, "It points."))
)
SUMMARY = Summary(
    "The dance",
    (Point("Bees dance.", 0.0),),
    (Chapter("The waggle", 62.9, 125.0, (Point("It points.", 62.9),)),),
    ("bees",),
    ("Why?", "Who?", "Where?"),
    "en",
    125.0,
    "extractive",
)
CITATION = Citation(1, VIDEO.id, 62.9, 65.0, "It points.", VIDEO.url_at(62.9))
TURN = Turn("Why?", Answer("Why?", "To point [1].", (CITATION,), (), True, "extractive"))


def read_cues(text: str, point: str) -> list[tuple[float, float, str]]:
    """A strict reader: number, times, exactly one line of text, blank line."""
    time = r"(\d\d+):(\d\d):(\d\d)" + re.escape(point) + r"(\d\d\d)"
    cues = []
    blocks = text.removeprefix("WEBVTT\n").strip("\n").split("\n\n")
    for n, block in enumerate(filter(None, blocks), 1):
        number, times, line = block.split("\n")
        found = re.fullmatch(f"{time} --> {time}", times)
        assert found
        assert int(number) == n
        h, m, s, ms, h2, m2, s2, ms2 = map(int, found.groups())
        start, end = 3600 * h + 60 * m + s + ms / 1000, 3600 * h2 + 60 * m2 + s2 + ms2 / 1000
        cues.append((start, end, line))
    return cues


def test_srt_is_written_to_the_letter():
    assert srt(TRANSCRIPT.segments) == (
        "1\n00:00:00,000 --> 00:00:02,500\nBees dance.\n\n"
        "2\n00:01:02,900 --> 00:01:05,000\nIt points.\n"
    )


def test_vtt_is_written_to_the_letter():
    assert vtt(TRANSCRIPT.segments) == (
        "WEBVTT\n\n1\n00:00:00.000 --> 00:00:02.500\nBees dance.\n\n"
        "2\n00:01:02.900 --> 00:01:05.000\nIt points.\n"
    )


def test_nothing_said_cannot_break_a_subtitle_file():
    evil = (Segment(0, 1, "a\n\n9\n00:00:00,000 ---> 1\x1b[2J"), Segment(1, 2, " \n "))
    assert [text for *_, text in read_cues(srt(evil), ",")] == ["a 9 00:00:00,000 -> 1"]
    assert [text for *_, text in read_cues(vtt(evil), ".")] == ["a 9 00:00:00,000 ---&gt; 1"]
    assert "-->" not in vtt((Segment(0, 1, "<b>-->&"),)).split("\n")[4]


SECONDS = st.floats(0, 400_000, allow_nan=False)
SEGMENTS = st.lists(st.builds(Segment, SECONDS, SECONDS, st.text(max_size=20)), max_size=12)
GAPS = st.lists(st.floats(0, 3, allow_nan=False), min_size=2, max_size=20)


@given(SEGMENTS)
def test_every_cue_is_ordered_long_enough_and_not_empty(segments):
    said = [segment for segment in segments if one_line(segment.text)]
    for text, point in ((srt(segments), ","), (vtt(segments), ".")):
        cues = read_cues(text, point)
        assert len(cues) == len(said)
        assert all(start < end and line.strip() for start, end, line in cues)
        assert [start for start, *_ in cues] == sorted(start for start, *_ in cues)


@given(GAPS)
def test_cues_overlap_only_where_segments_do_and_keep_their_times(gaps):
    times = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    segments = [Segment(a, b, "word") for a, b in pairwise(times)]
    cues = read_cues(srt(segments), ",")
    assert all(cue[1] <= after[0] for cue, after in pairwise(cues))
    drift = len(segments) * 0.001 + 0.001  # a cue without length takes 1 ms from the next
    for cue, segment in zip(cues, segments, strict=True):
        assert abs(cue[0] - segment.start_s) <= drift


def test_two_voices_at_once_stay_at_once():
    cues = read_cues(srt((Segment(0, 5, "one"), Segment(3, 6, "two"))), ",")
    assert [(start, end) for start, end, _ in cues] == [(0, 5), (3, 6)]


def test_json_reads_back_to_the_same_values():
    hostile = Turn("왜\x9b\u2028?", TURN.answer)
    text = export(VIDEO, TRANSCRIPT, SUMMARY, [TURN, hostile], "json", LABELS)
    read = json.loads(text)
    assert TypeAdapter(Video).validate_python(read["video"]) == VIDEO
    assert TypeAdapter(Transcript).validate_python(read["transcript"]) == TRANSCRIPT
    assert TypeAdapter(Summary).validate_python(read["summary"]) == SUMMARY
    assert TypeAdapter(list[Turn]).validate_python(read["turns"]) == [TURN, hostile]
    assert "왜" in text
    assert "\x9b" not in text


def test_text_holds_summary_conversation_and_transcript():
    assert export(VIDEO, TRANSCRIPT, SUMMARY, [TURN], "txt", LABELS) == (
        "How bees dance\n\nThe Hive · 2:05 · https://youtu.be/dQw4w9_gXcQ\n\n"
        "Topic: The dance\n\n"
        "Points\n- [0:00] Bees dance.  https://youtu.be/dQw4w9_gXcQ?t=0\n\n"
        "Chapters\n\n[1:02] The waggle  https://youtu.be/dQw4w9_gXcQ?t=62\n"
        "- [1:02] It points.  https://youtu.be/dQw4w9_gXcQ?t=62\n\n#bees\n\n"
        "Conversation\n\nWhy?\n\nTo point [1].\n\n"
        "Sources:\n[1] 1:02 “It points.”  https://youtu.be/dQw4w9_gXcQ?t=62\n\n"
        "Transcript\n\n[0:00] Bees dance.\n[1:02] It points.\n"
    )


def test_a_video_without_summary_or_conversation_is_its_transcript():
    text = export(VIDEO, TRANSCRIPT, None, [], "txt", LABELS)
    assert text.endswith("dQw4w9_gXcQ\n\nTranscript\n\n[0:00] Bees dance.\n[1:02] It points.\n")
    assert json.loads(export(VIDEO, TRANSCRIPT, None, [], "json", LABELS))["summary"] is None


def test_markdown_links_every_time_and_every_marker():
    page = MarkdownIt().render(export(VIDEO, TRANSCRIPT, SUMMARY, [TURN], "md", LABELS))
    link = '<a href="https://youtu.be/dQw4w9_gXcQ?t=62">'
    assert "<h1>How bees dance</h1>" in page
    assert f"<li>{link}1:02</a> It points.</li>" in page
    assert f"To point {link}[1]</a>." in page
    assert f"[1] {link}1:02</a> “It points.”" in page


def test_no_text_becomes_markup():
    starts = ("- x", "1. x", "2) x", "+ x", "= x", "# x", "> x", "    code", "* x", "~~~")
    for evil in (EVIL, *starts, "- a\n- b\n===\n---"):
        video = Video("dQw4w9WgXcQ", evil, evil, 1.0)
        said = Transcript(video.id, "en", "whisper", (Segment(0, 1, evil),))
        summary = Summary(
            evil, (Point(evil, 0.0),), (Chapter(evil, 0.0, 1.0),), (), (), "en", 1.0, "x"
        )
        turn = Turn(evil, Answer(evil, evil, (), (), True, "x"))
        page = MarkdownIt("commonmark").render(export(video, said, summary, [turn], "md", LABELS))
        tags = set(re.findall(r"<(/?\w+)", page))
        assert {tag.strip("/") for tag in tags} <= {"h1", "h2", "h3", "p", "a", "ul", "li"}
        assert set(re.findall(r'href="([^"]*)"', page)) <= {video.url, video.url_at(0)}
        assert page.count("<li>") == 2  # the point and the segment
