"""Speech cut at pauses into clips of at most 30 s."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.backends.whisper.clips import MAX_CLIP_S, MAX_SPEECH_S, PAD_S, Speech, cut

PAUSE_AND_SPEECH = st.tuples(st.floats(0.16, 40), st.floats(0.03, MAX_SPEECH_S))


def said(pauses_and_lengths: list[tuple[float, float]]) -> list[Speech]:
    """Lay out speech, each part after its pause."""
    speech, at_s = [], 0.0
    for pause_s, length_s in pauses_and_lengths:
        speech.append((at_s + pause_s, at_s + pause_s + length_s))
        at_s = speech[-1][1]
    return speech


@given(st.lists(PAUSE_AND_SPEECH, max_size=40), st.floats(0, 5))
def test_all_speech_is_in_exactly_one_clip_and_no_clip_is_too_long(pauses_and_lengths, silence_s):
    speech = said(pauses_and_lengths)
    duration_s = (speech[-1][1] if speech else 0) + silence_s
    clips = cut(speech, duration_s)
    for start_s, end_s in speech:
        assert sum(s.start_s <= start_s and end_s <= s.end_s for s in clips) == 1
    for clip in clips:
        assert 0 <= clip.start_s < clip.speech_end_s <= clip.end_s <= duration_s
        assert clip.end_s - clip.start_s <= MAX_CLIP_S + 1e-9
    for before, after in pairwise(clips):
        assert before.end_s <= after.start_s


def test_the_cut_is_at_the_longest_late_pause():
    speech = [(0.0, 10.0), (13.0, 25.5), (26.5, 27.5), (27.7, 28.7), (28.9, 40.0)]
    assert [s.speech_end_s for s in cut(speech, 40.0)] == [25.5, 40.0]


def test_silence_is_kept_on_both_sides_without_overlapping_other_speech():
    first, second = cut([(5.0, 30.0), (30.2, 50.0)], 100.0)
    assert (first.start_s, first.end_s) == (5.0 - PAD_S, 30.1)
    assert (second.start_s, second.end_s) == (30.1, 50.0 + PAD_S)


def test_silence_has_no_clips():
    assert cut([], 60.0) == []
