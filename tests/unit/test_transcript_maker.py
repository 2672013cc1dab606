"""How a source becomes a transcript: methods tried, progress and errors reported, files left."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.config import Limits, Speech
from core.errors import (
    BotCheck,
    CaptionsBlocked,
    DownloadFailed,
    NoAudio,
    NoCaptions,
    NoSpeech,
    NotMedia,
    SpeechModelMissing,
    TooMuchText,
    VideoTooLong,
)
from core.limits import check_length
from core.model import CaptionTrack, Progress, Segment, Subtitles, Transcript, Video
from core.sources import File, Link
from core.transcription.transcript_maker import TranscriptMaker, notes_about
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.store import MemoryStore
from tests.fakes.transcriber import FakeTranscriber

LINK = Link("dQw4w9WgXcQ")
WRITTEN, HEARD = CaptionTrack("en", "en", False), CaptionTrack("en-orig", "en", True)
BEES = Video(LINK.video_id, "Bees", duration_s=10.0, caption_tracks=(WRITTEN,), language="en")
MUTE = Video(LINK.video_id, "Bees", duration_s=10.0)
SPOKEN = Segment(0.0, 4.0, "Bees dance."), Segment(4.0, 9.0, "They point at flowers.")
SHOWN = (Segment(0.0, 5.0, "BEES DANCE"),)
WHISPER, BOTH = ("whisper",), ("whisper", "captions")


def make_maker(scratch, *, fetcher=None, transcriber=None, order=BOTH, subtitles=None, **limits):
    return TranscriptMaker(
        fetcher or FakeFetcher(BEES, said={"en": SHOWN}),
        transcriber or FakeTranscriber(*SPOKEN),
        subtitles or (lambda path: Subtitles(SHOWN, "en")),
        scratch,
        Speech(order=order),
        Limits(**limits),
        MemoryStore().checkpoints,
    )


def silent(progress):
    pass


def refuse_subtitles(path):
    raise NotMedia(path.name)


async def test_a_link_is_downloaded_and_transcribed(tmp_path):
    transcriber = FakeTranscriber(*SPOKEN, duration_s=10.5)
    fetcher = FakeFetcher(BEES, audio=b"hum")
    video, transcript = await make_maker(tmp_path, fetcher=fetcher, transcriber=transcriber).make(
        LINK, BEES, silent
    )
    assert (transcript.segments, transcript.language, transcript.source) == (
        SPOKEN,
        "en",
        "whisper",
    )
    assert transcript.video_id == BEES.id
    assert video.duration_s == 10.5
    assert (fetcher.calls, transcriber.heard) == (["download"], [(b"hum", "")])


async def test_the_audio_is_deleted_afterwards(tmp_path):
    await make_maker(tmp_path).make(LINK, BEES, silent)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", [NoAudio(), SpeechModelMissing("x")])
async def test_the_audio_is_deleted_after_a_failure_too(tmp_path, failure):
    transcriber = FakeTranscriber(*SPOKEN, failure=failure)
    with pytest.raises(type(failure)):
        await make_maker(tmp_path, transcriber=transcriber, order=WHISPER).make(LINK, BEES, silent)
    assert list(tmp_path.iterdir()) == []


async def test_progress_is_reported_stage_by_stage(tmp_path):
    told = []
    await make_maker(tmp_path).make(LINK, BEES, told.append)
    assert told == [
        Progress("download"),
        Progress("download", 0.5),
        Progress("download", 1.0),
        Progress("load"),
        Progress("transcribe", 0.4),
        Progress("transcribe", 0.9),
    ]


@pytest.mark.parametrize("failure", [DownloadFailed("403"), BotCheck(), NoAudio()])
async def test_captions_are_used_when_the_audio_is_unavailable(tmp_path, failure):
    fetcher = FakeFetcher(BEES, said={"en": SHOWN}, failures={"download": failure})
    _, transcript = await make_maker(tmp_path, fetcher=fetcher).make(LINK, BEES, silent)
    assert (transcript.segments, transcript.source) == (SHOWN, "captions")
    assert notes_about(BEES, transcript, Speech()) == ("captions_used",)


async def test_captions_come_first_if_configured(tmp_path):
    fetcher = FakeFetcher(BEES, said={"en": SHOWN})
    order = ("captions", "whisper")
    _, transcript = await make_maker(tmp_path, fetcher=fetcher, order=order).make(
        LINK, BEES, silent
    )
    assert transcript.segments == SHOWN
    assert fetcher.calls == ["captions"]
    assert notes_about(BEES, transcript, Speech(order=order)) == ()


@pytest.mark.parametrize("failure", [NoCaptions(), CaptionsBlocked()])
async def test_a_video_without_usable_captions_is_transcribed(tmp_path, failure):
    fetcher = FakeFetcher(BEES, failures={"captions": failure})
    maker = make_maker(tmp_path, fetcher=fetcher, order=("captions", "whisper"))
    _, transcript = await maker.make(LINK, BEES, silent)
    assert transcript.source == "whisper"


async def test_automatic_captions_are_never_used_silently(tmp_path):
    video = Video(BEES.id, "Bees", caption_tracks=(HEARD,), language="en")
    fetcher = FakeFetcher(video, said={"en-orig": SHOWN}, failures={"download": BotCheck()})
    _, transcript = await make_maker(tmp_path, fetcher=fetcher).make(LINK, video, silent)
    assert notes_about(video, transcript, Speech()) == ("captions_used", "captions_automatic")


@pytest.mark.parametrize(
    ("download", "captions", "told"),
    [
        (BotCheck(), NoCaptions(), BotCheck),
        (BotCheck(), CaptionsBlocked(), BotCheck),
        (NoCaptions(), CaptionsBlocked(), CaptionsBlocked),
    ],
)
async def test_when_every_method_fails_the_most_important_error_is_raised(
    tmp_path, download, captions, told
):
    fetcher = FakeFetcher(BEES, failures={"download": download, "captions": captions})
    with pytest.raises(told):
        await make_maker(tmp_path, fetcher=fetcher).make(LINK, BEES, silent)


async def test_missing_captions_are_the_error_if_nothing_else_failed(tmp_path):
    with pytest.raises(NoCaptions):
        await make_maker(tmp_path, fetcher=FakeFetcher(MUTE), order=("captions",)).make(
            LINK, MUTE, silent
        )


async def test_captions_do_not_replace_silence(tmp_path):
    fetcher = FakeFetcher(BEES, said={"en": SHOWN})
    with pytest.raises(NoSpeech):
        await make_maker(tmp_path, fetcher=fetcher, transcriber=FakeTranscriber()).make(
            LINK, BEES, silent
        )
    assert fetcher.calls == ["download"]


async def test_a_missing_model_is_an_error_not_a_reason_for_captions(tmp_path):
    fetcher = FakeFetcher(BEES, said={"en": SHOWN})
    transcriber = FakeTranscriber(failure=SpeechModelMissing("large"))
    with pytest.raises(SpeechModelMissing):
        await make_maker(tmp_path, fetcher=fetcher, transcriber=transcriber).make(
            LINK, BEES, silent
        )
    assert "captions" not in fetcher.calls


@pytest.mark.parametrize(("characters", "is_refused"), [(7_000, False), (8_000, True)])
async def test_more_text_than_anybody_says_in_the_time_is_refused(characters, is_refused, tmp_path):
    """Five thousand characters, and forty a second for a minute."""
    said = (Segment(0.0, 5.0, "a" * characters), Segment(5.0, 60.0, "b"))
    maker = make_maker(tmp_path, subtitles=lambda path: Subtitles(said, "en"))
    making = maker.make(File(tmp_path / "talk.srt"), Video("v", "Talk"), silent)
    if not is_refused:
        await making
        return
    with pytest.raises(TooMuchText) as refused:
        await making
    assert refused.value.facts == {"minutes": 1, "characters": characters + 1}


async def test_a_video_that_is_too_long_is_not_downloaded(tmp_path):
    long = Video(BEES.id, "Bees", duration_s=200.0)
    fetcher = FakeFetcher(long)
    with pytest.raises(VideoTooLong) as raised:
        await make_maker(tmp_path, fetcher=fetcher, max_minutes=2).make(LINK, long, silent)
    assert (raised.value.minutes, raised.value.max_minutes) == (3, 2)
    assert fetcher.calls == []


async def test_audio_longer_than_youtube_said_is_refused_without_trying_captions(tmp_path):
    transcriber, fetcher = FakeTranscriber(*SPOKEN, duration_s=600.0), FakeFetcher(BEES)
    with pytest.raises(VideoTooLong):
        await make_maker(tmp_path, fetcher=fetcher, transcriber=transcriber, max_minutes=2).make(
            LINK, BEES, silent
        )
    assert fetcher.calls == ["download"]


def test_the_length_limit_counts_whole_minutes():
    check_length(2 * 60 + 29, Limits(max_minutes=2))
    with pytest.raises(VideoTooLong):
        check_length(2 * 60 + 31, Limits(max_minutes=2))


async def test_a_file_is_transcribed_in_place(tmp_path):
    path = tmp_path / "talk.wav"
    path.write_bytes(b"hum")
    fetcher, transcriber = FakeFetcher(), FakeTranscriber(*SPOKEN, duration_s=9.5)
    video = Video("file-0123456789a", "talk", file_name="talk.wav")
    found, transcript = await make_maker(tmp_path, fetcher=fetcher, transcriber=transcriber).make(
        File(path), video, silent
    )
    assert (transcript.segments, transcript.source) == (SPOKEN, "whisper")
    assert found.duration_s == 9.5
    assert (fetcher.calls, transcriber.heard) == ([], [(b"hum", "")])
    assert path.exists()


async def test_subtitles_are_read_not_transcribed(tmp_path):
    transcriber = FakeTranscriber(*SPOKEN)
    video = Video("file-0123456789a", "talk", file_name="talk.srt")
    found, transcript = await make_maker(tmp_path, transcriber=transcriber).make(
        File(tmp_path / "talk.srt"), video, silent
    )
    assert (transcript.segments, transcript.source) == (SHOWN, "file")
    assert transcript.language == "en"
    assert found.duration_s == 5.0
    assert transcriber.heard == []


async def test_a_file_that_is_not_subtitles_is_refused(tmp_path):
    with pytest.raises(NotMedia):
        await make_maker(tmp_path, subtitles=refuse_subtitles).make(
            File(tmp_path / "talk.srt"), MUTE, silent
        )


@pytest.mark.parametrize(
    ("source", "change", "is_current"),
    [
        (LINK, {}, True),
        (LINK, {"batch_size": 2}, True),
        (LINK, {"model": "small"}, False),
        (LINK, {"language": "ko"}, False),
        (LINK, {"order": ("captions", "whisper")}, False),
        (File(Path("talk.wav")), {"order": ("captions", "whisper")}, True),
        (File(Path("talk.wav")), {"model": "small"}, False),
    ],
)
async def test_a_transcript_is_current_while_its_settings_are(tmp_path, source, change, is_current):
    (tmp_path / "talk.wav").write_bytes(b"hum")
    here = File(tmp_path / "talk.wav") if isinstance(source, File) else source
    _, transcript = await make_maker(tmp_path).make(here, BEES, silent)
    later = replace(make_maker(tmp_path), speech=Speech(**({"order": BOTH} | change)))
    assert later.is_current(here, transcript) == is_current


async def test_captions_used_as_a_fallback_stay_current(tmp_path):
    fetcher = FakeFetcher(BEES, said={"en": SHOWN}, failures={"download": BotCheck()})
    here = make_maker(tmp_path, fetcher=fetcher)
    _, transcript = await here.make(LINK, BEES, silent)
    assert here.is_current(LINK, transcript)


@pytest.mark.parametrize(
    ("failure", "order", "is_provisional"),
    [
        (DownloadFailed("403"), BOTH, True),
        (BotCheck(), BOTH, True),
        (NoAudio(), BOTH, False),
        (None, ("captions", "whisper"), False),
    ],
)
async def test_only_captions_in_place_of_audio_that_may_come_are_provisional(
    tmp_path, failure, order, is_provisional
):
    failures = {"download": failure} if failure else {}
    fetcher = FakeFetcher(BEES, said={"en": SHOWN}, failures=failures)
    maker = make_maker(tmp_path, fetcher=fetcher, order=order)
    _, transcript = await maker.make(LINK, BEES, silent)
    assert maker.is_provisional(LINK, transcript) == is_provisional
    assert await maker.make_better(LINK, BEES, silent) is None or not failure
    failures.clear()
    _, better = await maker.make_better(LINK, BEES, silent)
    assert (better.source, maker.is_provisional(LINK, better)) == ("whisper", False)


async def test_after_two_refused_downloads_the_captions_come_first(tmp_path):
    failures = {"download": BotCheck(), "captions": BotCheck()}
    fetcher = FakeFetcher(BEES, said={"en": SHOWN}, failures=failures)
    maker = make_maker(tmp_path, fetcher=fetcher)
    for _ in range(2):
        with pytest.raises(BotCheck):
            await maker.make(LINK, BEES, silent)
    assert fetcher.calls == ["download", "captions"] * 2
    del fetcher.calls[:], failures["captions"]
    _, transcript = await maker.make(LINK, BEES, silent)
    assert (fetcher.calls, transcript.source) == (["captions"], "captions")
    assert maker.is_provisional(LINK, transcript)
    await maker.clear_checkpoints(BEES.id)
    await maker.make(LINK, BEES, silent)
    assert fetcher.calls == ["captions", "download", "captions"]


def test_transcribed_speech_needs_no_note():
    heard = Transcript(BEES.id, "en", "whisper", SPOKEN, "whisper large :whisper")
    assert notes_about(BEES, heard, Speech()) == ()
