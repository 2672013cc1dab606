"""Nothing of a channel is seen in another one, whatever people do, and what is forgotten or no
longer allowed is so from the next action on.

`python -m tests.torture canaries` does a hundred thousand things.
"""

from tests.harness.canaries import open_harbours
from tests.harness.harbour_people import People
from tests.harness.virtual_loop import virtually

ACTIONS = 400


@virtually
async def test_no_channel_sees_anothers_canary(tmp_path):
    async with open_harbours(tmp_path, seed=4) as world:
        people = People(world)
        for channel in world.channels:
            await people.arrive(channel)
        for _ in range(ACTIONS):
            await people.act()
        assert len(people.counts) >= 11
        assert world.refused > ACTIONS / 8
        assert world.log.lines
