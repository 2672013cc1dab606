"""The durations that people are shown: how long an answer took, and how long a stage will take."""

from core.model import Progress
from core.pipeline.eta import with_eta
from core.pipeline.timing import Stopwatch


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_the_time_left_follows_the_pace_of_the_stage():
    clock, told = Clock(), []
    on_progress = with_eta(told.append, clock)
    on_progress(Progress("download", 0.5))
    on_progress(Progress("transcribe"))
    clock.now += 30
    on_progress(Progress("transcribe", 0.01))
    on_progress(Progress("transcribe", 0.75))
    on_progress(Progress("transcribe", 1.0))
    assert [progress.eta_s for progress in told] == [None, None, None, 10, 0]


def test_what_was_done_before_a_kill_does_not_count_as_quickly_done():
    clock, told = Clock(), []
    on_progress = with_eta(told.append, clock)
    on_progress(Progress("transcribe", 0.5))
    clock.now += 30
    on_progress(Progress("transcribe", 0.6))
    assert [progress.eta_s for progress in told] == [None, 120]


def test_a_time_left_that_is_known_better_stays():
    told = []
    with_eta(told.append, Clock())(Progress("download", 0.5, eta_s=7))
    assert told[0].eta_s == 7


def test_loading_is_in_none_of_the_other_times():
    clock = Clock()
    watch = Stopwatch(clock)
    clock.now += 0.010
    with watch.loading():
        clock.now += 5
    with watch.retrieving():
        clock.now += 0.020
    clock.now += 0.100
    watch.text()
    clock.now += 1
    watch.text()
    timings = watch.timings()
    assert (timings.load_ms, timings.retrieval_ms) == (5000, 20)
    assert (timings.first_token_ms, timings.total_ms) == (130, 1130)


def test_an_answer_without_text_has_its_first_token_at_the_end():
    clock = Clock()
    watch = Stopwatch(clock)
    clock.now += 0.5
    assert watch.timings().first_token_ms == watch.timings().total_ms == 500
