"""YouTube is not asked while it refuses requests, also after a restart."""

import pytest

from core.errors import BotCheck, NoCaptions, RateLimited, VideoRemoved
from core.pipeline.youtube_gate import PAUSES_S, YouTubeGate
from tests.fakes.fetcher import FakeFetcher
from tests.harness.fake_core import BEES


class Scene:
    """A gate on a clock that is moved by hand, before a fetcher whose `failures` can be changed."""

    def __init__(self, folder):
        self.now, self.failures = 1_000_000.0, {}
        self.fetcher = FakeFetcher(BEES, failures=self.failures)
        self.file = folder / "gate.json"
        self.restart()

    def restart(self):
        self.gate = YouTubeGate(self.fetcher, self.file, lambda: self.now)

    async def ask(self):
        """Whether YouTube was asked, and the error."""
        before = len(self.fetcher.calls)
        try:
            await self.gate.look_up(BEES.id)
        except (BotCheck, RateLimited) as error:
            return len(self.fetcher.calls) > before, error
        return True, None


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


async def test_after_a_refusal_nobody_asks_until_the_pause_is_over(scene):
    scene.failures["look_up"] = RateLimited()
    asked, error = await scene.ask()
    assert (asked, error.until) == (True, scene.now + PAUSES_S[0])
    del scene.failures["look_up"]
    scene.now += PAUSES_S[0] - 1
    assert not (await scene.ask())[0]
    with pytest.raises(RateLimited) as refused:
        await scene.gate.captions(BEES, "en")
    assert refused.value.until == error.until
    assert scene.fetcher.calls == ["look_up"]
    scene.now += 1
    assert await scene.ask() == (True, None)


async def test_pauses_grow_with_each_refusal_and_shrink_with_each_success(scene):
    scene.failures["look_up"] = BotCheck()
    pauses = []
    for _ in range(len(PAUSES_S) + 2):
        _, error = await scene.ask()
        pauses.append(error.until - scene.now)
        scene.now = error.until
    assert pauses == [*PAUSES_S, PAUSES_S[-1], PAUSES_S[-1]]
    del scene.failures["look_up"]
    for _ in range(7):
        assert await scene.ask() == (True, None)
    scene.failures["look_up"] = BotCheck()
    _, error = await scene.ask()
    assert error.until - scene.now == PAUSES_S[1]


async def test_a_restart_opens_nothing(scene):
    scene.failures["look_up"] = BotCheck()
    await scene.ask()
    scene.restart()
    asked, error = await scene.ask()
    assert not asked
    assert isinstance(error, BotCheck)


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b'{"closed_until": "x"}', b"[]"])
async def test_a_damaged_file_closes_nothing(scene, content):
    scene.file.write_bytes(content)
    assert await scene.ask() == (True, None)


async def test_a_wrong_clock_closes_nothing_for_good(scene):
    scene.failures["look_up"] = RateLimited()
    scene.now += 1e9
    await scene.ask()
    scene.now -= 1e9
    _, error = await scene.ask()
    assert error.until <= scene.now + PAUSES_S[-1]


async def test_where_the_file_cannot_be_written_the_gate_closes_all_the_same(scene, tmp_path):
    scene.file = tmp_path / "no such folder" / "gate.json"
    scene.restart()
    scene.failures["look_up"] = RateLimited()
    await scene.ask()
    assert not (await scene.ask())[0]


async def test_other_errors_close_nothing(scene):
    with pytest.raises(VideoRemoved):
        await scene.gate.look_up("unknown video")
    with pytest.raises(NoCaptions):
        await scene.gate.captions(BEES, "en")
    assert await scene.ask() == (True, None)
