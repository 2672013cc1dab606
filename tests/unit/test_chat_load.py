"""This file is three minutes of the busy half-hour of `make torture`, which takes a minute."""

from tests.harness.virtual_loop import virtually
from tests.torture.busy import spend


@virtually
async def test_a_busy_time_loses_nothing_and_everybody_is_heard_within_a_second(tmp_path):
    await spend(tmp_path, seed=2, questions=5 * 3 * 60)
