"""Chunks cover the whole transcript, once and in order."""

from hypothesis import given
from hypothesis import strategies as st

from core.model import Chapter, Segment, Transcript, Video
from core.search.chunking import CHUNK_CJK, CHUNK_S, CHUNK_WORDS, chunk

VIDEO = Video("dQw4w9WgXcQ", "How bees dance", "The Hive", 600.0)


def _segments(*lengths_s, text="bees dance to show the way"):
    start_s, segments = 0.0, []
    for length_s in lengths_s:
        segments.append(Segment(start_s, start_s + length_s, text))
        start_s += length_s
    return tuple(segments)


def _cut(segments, chapters=(), video=VIDEO):
    return chunk(video, Transcript(video.id, "en", "whisper", tuple(segments)), chapters)


def _chapters(*starts_s):
    ends_s = [*starts_s[1:], 1e9]
    return [
        Chapter(f"Chapter {n}", start_s, end_s)
        for n, (start_s, end_s) in enumerate(zip(starts_s, ends_s, strict=True))
    ]


def _ranges(chunks):
    return [(piece.first, piece.last) for piece in chunks]


segments = st.lists(
    st.tuples(st.floats(0, 5), st.floats(0.01, 200), st.integers(0, 300), st.booleans()),
    max_size=60,
)


@given(segments, st.lists(st.floats(0, 5000), max_size=6))
def test_every_segment_is_in_exactly_one_chunk_in_order(drawn, chapter_starts_s):
    start_s, said = 0.0, []
    for pause_s, length_s, count, is_korean in drawn:
        start_s += pause_s
        text = "꿀벌" * count if is_korean else "bees " * count
        said.append(Segment(start_s, start_s + length_s, text))
        start_s += length_s
    chunks = _cut(said, _chapters(0.0, *sorted(chapter_starts_s)))

    assert [i for piece in chunks for i in range(piece.first, piece.last + 1)] == [
        *range(len(said))
    ]
    assert [piece.number for piece in chunks] == [*range(len(chunks))]
    assert len({piece.key for piece in chunks}) == len(chunks)
    for piece in chunks:
        own = said[piece.first : piece.last + 1]
        assert (piece.start_s, piece.end_s) == (own[0].start_s, own[-1].end_s)
        assert piece.text == " ".join(segment.text.strip() for segment in own)


def test_an_empty_transcript_has_no_chunks():
    assert _cut(()) == []


def test_a_chunk_is_about_75_seconds_of_whole_segments():
    chunks = _cut(_segments(*[5.0] * 60))

    assert [piece.end_s - piece.start_s for piece in chunks] == [75.0] * 4


def test_fast_speech_is_limited_by_words():
    *whole, _ = _cut(_segments(*[1.0] * 60, text="word " * 20))

    for piece in whole:
        assert CHUNK_WORDS - 20 <= len(piece.text.split()) <= CHUNK_WORDS


def test_korean_is_limited_by_characters():
    *whole, _ = _cut(_segments(*[1.0] * 60, text="꿀벌" * 20))

    for piece in whole:
        assert CHUNK_CJK - 40 <= len(piece.text.replace(" ", "")) <= CHUNK_CJK


def test_a_segment_longer_than_a_chunk_is_a_chunk_of_its_own():
    assert _ranges(_cut(_segments(30.0, 300.0, 30.0))) == [(0, 0), (1, 1), (2, 2)]


def test_chapters_are_not_mixed():
    chunks = _cut(_segments(*[10.0] * 12), _chapters(0.0, 40.0, 90.0))

    assert _ranges(chunks) == [(0, 3), (4, 8), (9, 11)]
    assert [piece.heading.split(" · ")[-1] for piece in chunks] == [
        "Chapter 0",
        "Chapter 1",
        "Chapter 2",
    ]


def test_a_tiny_rest_is_merged_into_the_chunk_before_it():
    assert _ranges(_cut(_segments(*[5.0] * 17))) == [(0, 16)]


def test_a_tiny_beginning_is_merged_into_the_chunk_after_it():
    assert _ranges(_cut(_segments(5.0, *[10.0] * 5), _chapters(0.0, 5.0))) == [(0, 5)]


def test_the_heading_names_title_channel_and_chapter_and_is_not_quoted():
    (piece,) = _cut(_segments(50.0), _chapters(0.0))

    assert piece.heading == "How bees dance · The Hive · Chapter 0"
    assert piece.indexed == f"{piece.heading}\n{piece.text}"
    assert "Hive" not in piece.text


def test_without_title_channel_and_chapter_there_is_no_heading():
    (piece,) = _cut(_segments(50.0), video=Video("dQw4w9WgXcQ", ""))

    assert piece.indexed == piece.text


def test_twelve_hours_are_chunked_in_one_pass():
    said = _segments(*[4.0] * (12 * 900))
    chunks = _cut(said, _chapters(*(600.0 * n for n in range(72))))

    assert chunks[-1].end_s == 12 * 3600
    assert 12 * 3600 / CHUNK_S <= len(chunks) < 1000
