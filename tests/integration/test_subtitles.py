"""Subtitle files and captions become segments with text and times, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backends.subtitles import Cue, parse_json3, parse_text, read_subtitles, to_segments
from core.errors import NoSpeech, NotMedia
from core.model import Segment

SRT = """1
00:00:01,000 --> 00:00:02,500
Bees dance.

2
00:00:03,000 --> 00:00:04,000
They point
at flowers.

3
00:00:05,000 --> 00:00:06,000

4
01:00:00,500 --> 01:00:02,000
<i>Late</i> {\\an8}words &amp; more
"""
SAID = (
    Segment(1.0, 2.5, "Bees dance."),
    Segment(3.0, 4.0, "They point at flowers."),
    Segment(3600.5, 3602.0, "Late words & more"),
)

VTT = """WEBVTT - a talk
Kind: captions

STYLE
::cue { color: white }

NOTE written by hand,
on two lines

intro
00:01.000 --> 00:02.500 align:start position:0%
<v Ada><c.loud>Bees</c> dance.

NOTE between

00:00:03.000 --> 00:00:04.000
They point&nbsp;at &lt;flowers&gt;.
"""

# YouTube's automatic captions: two lines, the upper one a repetition, the lower one with the time
# of every word; then 10 ms without new text.
ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.080 --> 00:00:02.310 align:start position:0%
 \nhello<00:00:00.480><c> dear</c><00:00:00.640><c> bees</c>

00:00:02.310 --> 00:00:02.320 align:start position:0%
hello dear bees
 \n
00:00:02.320 --> 00:00:04.710 align:start position:0%
hello dear bees
you<00:00:02.800><c> dance</c>

00:00:04.710 --> 00:00:04.720 align:start position:0%
you dance
 \n
00:00:04.720 --> 00:00:06.000 align:start position:0%
you dance
[Music]

00:00:06.000 --> 00:00:08.000 align:start position:0%
[Music]
hello<00:00:06.800><c> dear bees</c>
"""


def write(folder, data, name="talk.srt"):
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def texts(segments):
    return [segment.text for segment in segments]


def test_a_srt_file_is_read_with_its_times(tmp_path):
    assert read_subtitles(write(tmp_path, SRT)).segments == SAID


def test_a_vtt_file_is_read_without_notes_styles_names_and_settings(tmp_path):
    assert read_subtitles(write(tmp_path, VTT, "talk.vtt")).segments == (
        Segment(1.0, 2.5, "Bees dance."),
        Segment(3.0, 4.0, "They point at <flowers>."),
    )


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n\n"])
def test_any_line_ending_works(tmp_path, ending):
    assert read_subtitles(write(tmp_path, SRT.replace("\n", ending))).segments[0] == SAID[0]


def test_cues_need_no_blank_line_between_them(tmp_path):
    assert read_subtitles(write(tmp_path, SRT.replace("\n\n", "\n"))).segments == SAID


KOREAN = "1\n00:00:01,000 --> 00:00:02,000\n꿀벌은 춤을 춘다.\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949"]
)
def test_korean_is_read_in_every_usual_encoding(tmp_path, encoding):
    found = read_subtitles(write(tmp_path, KOREAN.encode(encoding))).segments
    assert found == (Segment(1.0, 2.0, "꿀벌은 춤을 춘다."),)


ENGLISH = "1\n00:00:01,000 --> 00:00:02,000\nThis is how they dance.\n"


@pytest.mark.parametrize(
    ("data", "name", "language"),
    [
        (ENGLISH, "talk.srt", "en"),
        (KOREAN, "talk.srt", "ko"),
        (ROLLING, "auto.vtt", "en"),
        (ROLLING.replace("Language: en", "Language: nl-BE"), "auto.vtt", "nl"),
        (ROLLING.replace("Language: en", "").replace("hello", "Language: ko"), "auto.vtt", ""),
    ],
)
def test_the_language_is_the_one_the_file_names_else_that_of_its_words(
    tmp_path, data, name, language
):
    assert read_subtitles(write(tmp_path, data, name)).language == language


def test_windows_western_encoding_is_read(tmp_path):
    western = "1\n00:00:01,000 --> 00:00:02,000\nL’été à côté\n".encode("cp1252")
    assert texts(read_subtitles(write(tmp_path, western)).segments) == ["L’été à côté"]


def test_rolling_captions_give_every_line_once(tmp_path):
    found = read_subtitles(write(tmp_path, ROLLING, "auto.vtt")).segments
    assert found == (
        Segment(0.08, 2.31, "hello dear bees"),
        Segment(2.32, 4.71, "you dance"),
        Segment(6.0, 8.0, "hello dear bees"),
    )


def test_a_screen_that_is_cleared_between_rolling_lines_changes_nothing():
    cues = [Cue(0, 2, ("hello",)), Cue(2, 2.01, (" ",)), Cue(2.01, 4, ("hello", "bees"))]
    assert texts(to_segments(cues)) == ["hello", "bees"]


def test_a_line_repeated_later_is_kept():
    chorus = [Cue(1.0, 2.0, ("Buzz.",)), Cue(5.0, 6.0, ("Buzz.",))]
    assert texts(to_segments(chorus)) == ["Buzz.", "Buzz."]


def test_cues_come_in_order_and_do_not_overlap():
    cues = [Cue(5.0, 9.0, ("three",)), Cue(1.0, 4.0, ("one",)), Cue(2.0, 3.0, ("two",))]
    assert to_segments(cues) == (
        Segment(1.0, 2.0, "one"),
        Segment(2.0, 3.0, "two"),
        Segment(5.0, 9.0, "three"),
    )


def test_a_cue_that_ends_before_it_starts_takes_no_time():
    assert to_segments([Cue(5.0, 1.0, ("backwards",))]) == (Segment(5.0, 5.0, "backwards"),)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[Music]", []),
        ("[음악]", []),
        ("[ __ ]", []),
        ("(applause)", []),
        ("♪♪♪", []),
        ("- ...", []),
        ("♪ we will buzz ♪", ["we will buzz"]),
        (">> Hello. [laughter] Bees.", ["Hello. Bees."]),
        ("&gt;&gt; Hello.", ["Hello."]),
        ("Bees (and wasps) fly.", ["Bees (and wasps) fly."]),
        ("\u200bzero\u200f width\ufeff", ["zero width"]),
        ("2 < 3 and 5 > 4", ["2 < 3 and 5 > 4"]),
        ("I <3 bees", ["I <3 bees"]),
    ],
)
def test_sound_descriptions_and_symbols_are_not_speech(line, words):
    assert texts(to_segments([Cue(1.0, 2.0, (line,))])) == words


def test_json3_gives_the_text_of_every_event():
    track = {
        "wireMagic": "pb3",
        "events": [
            {"tStartMs": 0, "dDurationMs": 9000, "id": 1, "wpWinPosId": 1},
            {
                "tStartMs": 80,
                "dDurationMs": 4640,
                "wWinId": 1,
                "segs": [{"utf8": "hello"}, {"utf8": " dear", "tOffsetMs": 400}, {"utf8": " bees"}],
            },
            {"tStartMs": 2310, "dDurationMs": 2400, "wWinId": 1, "aAppend": 1}
            | {"segs": [{"utf8": "\n"}]},
            {"tStartMs": 2320, "dDurationMs": 2000, "segs": [{"utf8": "you\ndance"}]},
            {"tStartMs": 4500, "dDurationMs": 2000, "segs": [{"utf8": "[Music]"}]},
        ],
    }
    assert to_segments(parse_json3(json.dumps(track).encode())) == (
        Segment(0.08, 2.32, "hello dear bees"),
        Segment(2.32, 4.32, "you dance"),
    )


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"{}", b'{"events": [{"segs": 3}]}'])
def test_other_data_than_json3_is_a_value_error(data):
    with pytest.raises(ValueError):
        parse_json3(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\x00\x01\x02", b"\xff\xfe", b"WEBVTT\n\n", b"RIFF" + bytes(range(256)) * 9],
)
def test_a_file_without_cues_is_not_a_subtitle_file(tmp_path, data):
    with pytest.raises(NotMedia) as raised:
        read_subtitles(write(tmp_path, data))
    assert raised.value.name == "talk.srt"


def test_a_missing_file_is_not_a_subtitle_file(tmp_path):
    with pytest.raises(NotMedia):
        read_subtitles(tmp_path / "gone.srt")


def test_a_huge_file_is_not_read(tmp_path):
    with pytest.raises(NotMedia):
        read_subtitles(write(tmp_path, SRT.encode() + bytes(5_000_000)))


def test_subtitles_without_words_have_no_speech(tmp_path):
    silent = "1\n00:00:01,000 --> 00:00:02,000\n[Music]\n"
    with pytest.raises(NoSpeech):
        read_subtitles(write(tmp_path, silent))


PIECES = ["00:01,5 --> 00:02", "-->", "1", "\n", "\n\n", "words", "<c>", "&amp;", "[", "{\\an8}"]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5)).map("\n".join))
def test_any_text_gives_cues_in_order_or_none(text):
    found = to_segments(parse_text(text))
    assert all(segment.text and segment.start_s <= segment.end_s for segment in found)
    assert list(found) == sorted(found, key=lambda segment: segment.start_s)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("piece", ["a\n", "<a", "[", "(", "&", "00:01 --> 00:02\na\n\n", "9", ">>"])
def test_a_hostile_file_takes_linear_time(piece):
    # Quadratic parsing would take hours here; the timeout is the assertion.
    hostile = piece * (1_000_000 // len(piece))
    to_segments(parse_text(f"00:00:01,000 --> 00:00:02,000\n{hostile}"))
