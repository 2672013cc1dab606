"""No finished window is transcribed twice: after a kill, and after running out of memory."""

from contextlib import aclosing
from pathlib import Path

import pytest

from core.config import Limits, Speech
from core.errors import (
    SpeechDeviceFailed,
    WorkerFailed,
    WorkerOutOfMemory,
    WorkerTimeout,
)
from core.model import LIGHTEST_COMPUTE, SPEECH_LIGHTER, Progress, Segment, SpeechCompute, Video
from core.sources import File, Link
from core.transcription.transcript_maker import TranscriptMaker
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.store import MemoryStore
from tests.fakes.transcriber import SET, FakeTranscriber

LINK = Link("dQw4w9WgXcQ")
BEES = Video(LINK.video_id, "Bees", duration_s=20.0)
SPOKEN = tuple(Segment(4.0 * n, 4.0 * n + 3.5, f"Sentence {n}.") for n in range(5))
FULL, BROKEN = WorkerOutOfMemory("speech"), SpeechDeviceFailed("CUDA failed with error unknown")


class Bench:
    """One store, used by one program after another."""

    def __init__(self, scratch: Path) -> None:
        self.checkpoints = MemoryStore().checkpoints
        self.scratch = scratch

    def program(self, transcriber, **settings) -> TranscriptMaker:
        fetcher, speech = FakeFetcher(BEES), Speech(**settings)
        return TranscriptMaker(
            fetcher, transcriber, refuse, self.scratch, speech, Limits(), self.checkpoints
        )

    async def transcribe(self, transcriber, on_progress=lambda progress: None, **settings):
        return await self.program(transcriber, **settings).make(LINK, BEES, on_progress)


def refuse(path):
    raise NotImplementedError


def transcriber_of(*segments, **how):
    return FakeTranscriber(*(segments or SPOKEN), **({"duration_s": 20.0} | how))


def killed_after(number):
    """A transcriber that fails before segment `number`."""
    return transcriber_of(
        bears=lambda compute, n: WorkerTimeout("speech", 1) if n == number else None
    )


def only(**needed):
    """Works only with these settings; runs out of memory with others."""

    def bears(compute, number):
        fits = all(getattr(compute, name) == value for name, value in needed.items())
        return None if fits else FULL

    return bears


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
async def whole(bench):
    """The transcript of an undisturbed run."""
    made = await bench.transcribe(transcriber_of())
    await bench.checkpoints.clear(BEES.id)
    return made


@pytest.mark.parametrize("number", range(5))
async def test_after_a_kill_only_unfinished_windows_are_transcribed(bench, whole, number):
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(killed_after(number))
    again = transcriber_of(
        language="ko" if number else "en"
    )  # the language of the rest does not matter
    assert await bench.transcribe(again) == whole
    assert again.asked == [(SPOKEN[number - 1].end_s if number else 0.0, SET)]
    assert again.heard[0][1] == ("en" if number else "")


async def test_a_transcription_closed_early_is_resumed(bench, whole):
    first = transcriber_of()
    transcription = bench.program(first)._checkpointed(BEES.id, "whisper,captions large-v3-turbo :")
    (bench.scratch / "audio").write_bytes(b"hum")
    async with aclosing(transcription.windows(bench.scratch / "audio", print)) as windows:
        async for window in windows:
            if window.segments == SPOKEN[1:2]:
                break
    assert first.is_closed
    again = transcriber_of()
    assert await bench.transcribe(again) == whole
    assert again.asked == [(SPOKEN[1].end_s, SET)]


async def test_each_window_is_transcribed_once_however_often_the_program_is_killed(bench, whole):
    for number in range(1, 5):
        programs = killed_after(number)
        with pytest.raises(WorkerTimeout):
            await bench.transcribe(programs)
        assert programs.asked == [(SPOKEN[number - 2].end_s if number > 1 else 0.0, SET)]
    assert await bench.transcribe(transcriber_of()) == whole


async def test_progress_starts_at_what_is_already_done(bench):
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(killed_after(3))
    told = []
    await bench.transcribe(transcriber_of(), told.append)
    fractions = [progress.fraction for progress in told if progress.stage == "transcribe"]
    assert fractions == [pytest.approx(segment.end_s / 20) for segment in SPOKEN[2:]]


async def test_windows_of_two_batch_sizes_combine(bench, whole):
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(killed_after(2))
    both = Segment(SPOKEN[0].start_s, SPOKEN[1].end_s, "Sentence 0. Sentence 1.")
    await bench.checkpoints.clear(BEES.id)
    with pytest.raises(WorkerTimeout):  # another program, with larger windows
        await bench.transcribe(
            transcriber_of(both, *SPOKEN[2:], failure=WorkerTimeout("speech", 1))
        )
    again = killed_after(0)
    await bench.transcribe(again)
    assert again.asked == [(SPOKEN[4].end_s, SET)]


@pytest.mark.parametrize("change", [{"model": "small"}, {"language": "ko"}])
async def test_other_settings_start_from_the_beginning(bench, change):
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(killed_after(3))
    again = transcriber_of()
    await bench.transcribe(again, **change)
    assert [from_s for from_s, _ in again.asked] == [0.0]


async def test_a_file_and_a_link_do_not_share_checkpoints(bench):
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(killed_after(3))
    (bench.scratch / "talk.wav").write_bytes(b"hum")
    again = transcriber_of()
    await bench.program(again).make(File(bench.scratch / "talk.wav"), BEES, print)
    assert again.asked == [(0.0, SET)]


@pytest.mark.parametrize(("duration_s", "reused"), [(20.4, True), (20.6, False), (19.4, False)])
async def test_checkpoints_of_audio_of_another_length_are_not_used(bench, duration_s, reused):
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(killed_after(3))
    again = transcriber_of(*SPOKEN[:4], duration_s=duration_s)
    _, transcript = await bench.transcribe(again)
    starts = [SPOKEN[2].end_s] if reused else [SPOKEN[2].end_s, 0.0]
    assert [from_s for from_s, _ in again.asked] == starts
    assert transcript.segments == SPOKEN[:4]
    recipe = transcript.recipe.removesuffix("whisper")
    assert len(await bench.checkpoints.load(BEES.id, recipe)) == 5


async def test_a_window_of_no_length_does_not_break_the_sequence(bench):
    blink = Segment(SPOKEN[1].end_s, SPOKEN[1].end_s + 0.0003, "Oh.")
    for _ in range(2):
        _, transcript = await bench.transcribe(transcriber_of(*SPOKEN[:2], blink))
        assert transcript.segments == (*SPOKEN[:2], blink)
    recipe = transcript.recipe.removesuffix("whisper")
    first = (await bench.checkpoints.load(BEES.id, recipe))[0]
    await bench.checkpoints.save(BEES.id, recipe, 7500, first)
    again = transcriber_of(*SPOKEN)
    await bench.transcribe(again)
    assert again.asked == [(blink.end_s, SET)]


async def test_the_text_of_a_window_of_no_length_survives_a_kill(bench):
    blink = Segment(SPOKEN[1].end_s, SPOKEN[1].end_s + 0.0003, "Oh.")
    said = (*SPOKEN[:2], blink, *SPOKEN[2:])
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(
            transcriber_of(
                *said, bears=lambda compute, n: WorkerTimeout("speech", 1) if n == 4 else None
            )
        )
    again = transcriber_of(*said)
    _, transcript = await bench.transcribe(again)
    assert again.asked == [(SPOKEN[2].end_s, SET)]
    assert transcript.segments == said


async def test_checkpoints_of_other_audio_are_deleted(bench):
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(killed_after(3))
    other = {"duration_s": 30.0, "language": "ko"}
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(
            transcriber_of(SPOKEN[0], failure=WorkerTimeout("speech", 1), **other)
        )
    again = transcriber_of(**other)
    await bench.transcribe(again)
    assert again.asked == [(SPOKEN[0].end_s, SET)]


async def test_after_an_unreadable_checkpoint_the_rest_is_transcribed_again(bench, whole):
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(killed_after(4))
    recipe = whole[1].recipe.removesuffix("whisper")
    await bench.checkpoints.save(BEES.id, recipe, 7500, '{"heard": "in another way"}')
    again = transcriber_of()
    assert await bench.transcribe(again) == whole
    assert again.asked == [(SPOKEN[1].end_s, SET)]


async def test_checkpoints_of_a_finished_video_are_deleted(bench):
    with pytest.raises(WorkerTimeout):
        await bench.transcribe(killed_after(3))
    await bench.program(transcriber_of()).clear_checkpoints("another video")
    assert bench.checkpoints._shelf.checkpoints
    await bench.program(transcriber_of()).clear_checkpoints(BEES.id)
    assert not bench.checkpoints._shelf.checkpoints


async def test_lighter_settings_are_tried_until_one_works(bench, whole):
    weak = transcriber_of(bears=only(device="cpu"))
    assert await bench.transcribe(weak) == whole
    assert weak.asked == [
        (0.0, SET),
        (0.0, SpeechCompute("cuda", "float16", 4)),
        (0.0, SpeechCompute("cuda", "float16", 2)),
        (0.0, SpeechCompute("cuda", "float16", 1)),
        (0.0, SpeechCompute("cuda", LIGHTEST_COMPUTE, 1)),
        (0.0, SpeechCompute("cpu", LIGHTEST_COMPUTE, 1)),
    ]


async def test_lighter_settings_continue_where_it_stopped_in_the_same_language(bench, whole):
    most = {2: 4, 3: 2, 4: 1}
    loud = transcriber_of(
        bears=lambda compute, n: FULL if compute.batch_size > most.get(n, 8) else None
    )
    assert await bench.transcribe(loud) == whole
    assert [(from_s, compute.batch_size) for from_s, compute in loud.asked] == [
        (0.0, 8),
        (SPOKEN[1].end_s, 4),
        (SPOKEN[2].end_s, 2),
        (SPOKEN[3].end_s, 1),
    ]
    assert [language for _, language in loud.heard] == ["", "en", "en", "en"]


async def test_a_failing_gpu_is_replaced_by_the_cpu_at_once(bench, whole):
    broken = transcriber_of(
        bears=lambda compute, n: BROKEN if n == 2 and compute.device != "cpu" else None
    )
    assert await bench.transcribe(broken) == whole
    assert broken.asked == [
        (0.0, SET),
        (SPOKEN[1].end_s, SpeechCompute("cpu", LIGHTEST_COMPUTE, 8)),
    ]


async def test_the_user_is_told_about_lighter_settings(bench):
    told = []
    small = transcriber_of(
        bears=lambda compute, n: FULL if n == 3 and compute.batch_size == 8 else None
    )
    program = bench.program(small)
    assert program.notes == ()
    await program.make(LINK, BEES, told.append)
    assert program.notes == (SPEECH_LIGHTER,)
    assert told[3:] == [
        Progress("load"),
        *(Progress("transcribe", SPOKEN[n].end_s / 20) for n in range(3)),
        Progress("load", note=SPEECH_LIGHTER),
        *(Progress("transcribe", SPOKEN[n].end_s / 20, note=SPEECH_LIGHTER) for n in (3, 4)),
    ]


async def test_the_next_video_starts_with_the_settings_that_worked(bench, whole):
    weak = transcriber_of(bears=only(batch_size=2))
    program = bench.program(weak)
    for _ in range(2):
        await bench.checkpoints.clear(BEES.id)
        assert await program.make(LINK, BEES, print) == whole
    assert [compute.batch_size for _, compute in weak.asked] == [8, 4, 2, 2]


async def test_when_no_settings_work_the_next_video_tries_them_all_again(bench):
    weak = transcriber_of(bears=only(device="none"))
    program = bench.program(weak, device="cpu", batch_size=2, order=("whisper",))
    for _ in range(2):
        with pytest.raises(WorkerOutOfMemory):
            await program.make(LINK, BEES, print)
    assert [compute.batch_size for _, compute in weak.asked] == [2, 1] * 2
    assert program.notes == ()


async def test_any_other_failure_is_not_tried_again(bench):
    weak = transcriber_of(failure=WorkerFailed("speech", "ended by SIGSEGV"))
    with pytest.raises(WorkerFailed):
        await bench.transcribe(weak)
    assert len(weak.asked) == 1


async def test_the_recipe_is_the_same_on_every_rung(bench, whole):
    _, transcript = await bench.transcribe(transcriber_of(bears=only(device="cpu")))
    assert transcript.recipe == whole[1].recipe
