"""Three minutes of the busy half-hour of `make torture`. Takes one minute."""

from tests.harness.virtual_loop import virtually
from tests.torture.busy import spend


@virtually
async def test_under_load_nothing_is_lost_and_every_event_is_handled_within_a_second(tmp_path):
    await spend(tmp_path, seed=2, questions=5 * 3 * 60)
