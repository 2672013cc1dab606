"""Whisper with a tiny model on real recordings: text, times and refused input."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import BatchedInferencePipeline, WhisperModel

from core.backends.whisper import Whisper
from core.config import Speech
from core.errors import ConfigInvalid, NotMedia, SpeechModelMissing
from core.model import Segment, SpeechCompute, Window
from tests.harness.audio_files import RATE, read_samples, word_error_rate, write_wav
from tests.harness.lectures import read_lecture, write_beginning


@pytest.fixture(scope="module")
def model(examples) -> Path:
    return examples / "whisper-toy-en"


@pytest.fixture(scope="module")
def whisper(model) -> Whisper:
    return Whisper(Speech(model=str(model)))


@pytest.fixture(scope="module")
def stock(model) -> BatchedInferencePipeline:
    """Return faster-whisper's own pipeline, unchanged."""
    return BatchedInferencePipeline(
        WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=2)
    )


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.2, 40 * RATE)


def segments_of(windows: list[Window]) -> list[Segment]:
    return [segment for window in windows for segment in window.segments]


def text_of(segments: list[Segment]) -> str:
    return " ".join(segment.text for segment in segments)


def stock_text(stock: BatchedInferencePipeline, audio: Path) -> str:
    found, _ = stock.transcribe(str(audio), without_timestamps=False, batch_size=8)
    return " ".join(segment.text for segment in found)


@pytest.mark.parametrize("is_long", [False, True])
def test_a_lecture_is_transcribed_as_well_as_by_the_stock_pipeline(
    is_long, examples, assets, whisper, stock, tmp_path
):
    audio = examples / "lecture-2min-us.flac"
    if is_long:
        audio = write_beginning(assets / "lecture-10min-us.opus", tmp_path, topics=3)
    lecture = read_lecture(audio.with_suffix(".json"))
    said = text_of(lecture.transcript.segments)
    windows = list(whisper.transcribe(audio, ""))
    heard = segments_of(windows)

    theirs = word_error_rate(said, stock_text(stock, audio))
    assert word_error_rate(said, text_of(heard)) <= theirs + 0.5

    starts = np.array([segment.start_s for segment in heard])
    near = [np.abs(starts - s.start_s).min() <= 2 for s in lecture.transcript.segments]
    assert np.mean(near) >= 0.97

    progress = [window.heard_s for window in windows if window.segments]
    assert len(progress) >= lecture.video.duration_s // (8 * 30)


# In these two clips the batched pipeline drops the last sentence.
@pytest.mark.parametrize(
    ("start_s", "end_s", "last"),
    [
        (353.5, 382.8, "The bees of Corwin make red honey."),
        (156.6, 186.4, "It is forty metres long."),
    ],
)
def test_a_last_sentence_that_batched_decoding_loses_is_recovered(
    start_s, end_s, last, assets, whisper, stock, tmp_path
):
    lecture = read_samples(assets / "lecture-10min-us.opus")
    audio = write_wav(tmp_path / "part.wav", lecture[int(start_s * RATE) : int(end_s * RATE)])
    assert not stock_text(stock, audio).endswith(last)
    assert text_of(segments_of(list(whisper.transcribe(audio, "")))).endswith(last)


def test_noise_and_hum_are_not_speech(whisper, noise, tmp_path):
    hum = 0.3 * np.sin(2 * np.pi * 100 * np.arange(len(noise)) / RATE)
    for name, samples in {"noise": noise, "hum": hum}.items():
        windows = list(whisper.transcribe(write_wav(tmp_path / f"{name}.wav", samples), ""))
        assert segments_of(windows) == []
        assert windows[-1].language == ""


def test_random_bytes_are_not_media_whatever_their_extension(whisper, tmp_path):
    for seed, ending in enumerate(["mp3", "wav", "flac", "mp4", "ogg", "aac", "webm", "bin"] * 4):
        junk = tmp_path / f"junk.{ending}"
        junk.write_bytes(np.random.default_rng(seed).bytes(50_000))
        with pytest.raises(NotMedia):
            list(whisper.transcribe(junk, ""))


def test_a_file_without_a_single_sample_is_not_media(whisper, tmp_path):
    with pytest.raises(NotMedia):
        list(whisper.transcribe(write_wav(tmp_path / "empty.wav", np.zeros(0)), ""))


def test_a_playlist_disguised_as_audio_opens_no_network(whisper, tmp_path):
    playlist = tmp_path / "song.mp3"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n")
    with pytest.raises(NotMedia):
        list(whisper.transcribe(playlist, ""))


def test_a_name_with_colons_and_spaces_is_a_file(whisper, examples, tmp_path):
    audio = tmp_path / "https: part 1 – 100%d.flac"
    shutil.copy(examples / "lecture-2min-us.flac", audio)
    assert next(whisper.transcribe(audio, "")).duration_s == pytest.approx(122.5, abs=0.1)


def test_a_truncated_recording_is_transcribed_up_to_the_cut(whisper, examples, tmp_path):
    whole = (examples / "lecture-2min-us.flac").read_bytes()
    audio = tmp_path / "cut.flac"
    audio.write_bytes(whole[: len(whole) // 4])
    windows = list(whisper.transcribe(audio, ""))
    assert windows[0].duration_s == pytest.approx(122.5, abs=0.1)  # as its header still says
    assert 15 < windows[-1].duration_s < 60
    lecture = read_lecture(examples / "lecture-2min-us.json")
    said = [s for s in lecture.transcript.segments if s.end_s < windows[-1].duration_s]
    assert word_error_rate(text_of(said), text_of(segments_of(windows))) < 10


def test_damage_loses_only_the_damaged_part(whisper, assets, tmp_path):
    damaged = bytearray((assets / "lecture-10min-us.opus").read_bytes()[:300_000])
    damaged[100_000:101_000] = np.random.default_rng(1).bytes(1000)
    audio = tmp_path / "damaged.opus"
    audio.write_bytes(damaged)
    assert list(whisper.transcribe(audio, ""))[-1].duration_s > 80


def test_a_broken_model_folder_counts_as_missing(model, examples, tmp_path):
    for broken in ("model.bin", "tokenizer.json"):
        folder = tmp_path / broken.split(".")[0]
        shutil.copytree(model, folder)
        (folder / broken).write_bytes(b"\0\1")
        with pytest.raises(SpeechModelMissing):
            list(
                Whisper(Speech(model=str(folder))).transcribe(examples / "lecture-2min-us.flac", "")
            )


def test_a_model_folder_that_does_not_exist_is_missing(examples, tmp_path):
    whisper = Whisper(Speech(model=str(tmp_path / "nowhere")))
    with pytest.raises(SpeechModelMissing):
        list(whisper.transcribe(examples / "lecture-2min-us.flac", ""))


def test_the_duration_is_known_before_the_model_is_loaded(examples):
    unloaded = Whisper(Speech(model="large-v3"))
    assert next(unloaded.transcribe(examples / "lecture-2min-us.flac", "")).duration_s > 122


def test_an_unknown_language_is_an_invalid_setting(whisper, examples):
    with pytest.raises(ConfigInvalid) as invalid:
        list(whisper.transcribe(examples / "lecture-2min-us.flac", "klingon"))
    assert invalid.value.key == "speech.language"


def test_other_compute_settings_reload_the_model_and_resume_the_audio(model, examples):
    audio = examples / "lecture-2min-us.flac"
    whisper = Whisper(Speech(model=str(model), batch_size=1))
    windows = whisper.transcribe(audio, "")
    first = next(window for window in windows if window.heard_s)
    exact = SpeechCompute("cpu", "float32", 2)
    rest = list(whisper.transcribe(audio, first.language, first.heard_s, exact))
    assert whisper._loaded.model.model.compute_type == "float32"
    said = read_lecture(examples / "lecture-2min-us.json").transcript.segments
    heard = [*first.segments, *segments_of(rest)]
    assert word_error_rate(text_of(said), text_of(heard)) < 10
    again = list(whisper.transcribe(audio, "en", rest[-2].heard_s, exact))
    assert segments_of(again) == []


def test_korean_is_detected_and_transcribed(assets, model, tmp_path):
    """A second tiny model knows only this sentence; the tokenizer is the same."""
    folder = tmp_path / "korean"
    shutil.copytree(assets / "whisper-fixture", folder)
    for shared in ("tokenizer.json", "vocabulary.json"):
        shutil.copy(model / shared, folder)
    windows = list(Whisper(Speech(model=str(folder))).transcribe(folder / "korean.wav", ""))
    assert windows[-1].language == "ko"
    assert text_of(segments_of(windows)) == "그는 이리저리 피하면서 길 한 옆으로 걸어갔다."
