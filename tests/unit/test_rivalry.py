"""Which of two programs with one token leaves Telegram to the other."""

import pytest

from bot.telegram_adapter.rivalry import LONGEST_YIELD_S, YIELD_S, Rivalry


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def rivalry(clock):
    rivalry = Rivalry(lambda: rivalry.told.append(clock.now), YIELD_S, clock)
    rivalry.told = []
    return rivalry


def test_one_whose_first_poll_is_ended_waits_longer_each_time_and_says_so_once(rivalry, clock):
    pauses = []
    for _ in range(8):
        pauses.append(rivalry.after_conflict(0.5))
        clock.now += pauses[-1]
    assert YIELD_S / 2 <= pauses[0] <= YIELD_S < pauses[3] <= LONGEST_YIELD_S
    assert LONGEST_YIELD_S / 2 <= pauses[-1] <= LONGEST_YIELD_S
    assert rivalry.told == [1000.0]


@pytest.mark.parametrize("has_answer", [True, False])
def test_one_that_has_polled_goes_on_while_another_one_tries_now_and_then(
    rivalry, clock, has_answer
):
    if has_answer:
        rivalry.after_answer()
    for pause_s in (30, 45, 55, 120, 300, 300):
        assert rivalry.after_conflict(7.0) <= 1
        rivalry.after_answer()
        clock.now += pause_s
    assert rivalry.told == []


def test_of_two_that_disturb_each_other_for_long_one_leaves(rivalry, clock):
    rivalry.after_answer()
    began = clock.now
    while not rivalry.told:
        rivalry.after_conflict(1.0)
        rivalry.after_answer()
        clock.now += 3
    assert 60 <= rivalry.told[0] - began <= 70
