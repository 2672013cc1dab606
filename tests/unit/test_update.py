"""When a new yt-dlp stays and when the former one comes back."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import RateLimited, YouTubeChanged
from tools.former_packages import PipFailed
from tools.update import OK, PIP_FAILED, WENT_BACK, update


class FakeFormer:
    """Packages in memory. `installs`: what differs once pip has run."""

    def __init__(self, installs: dict[str, str]) -> None:
        self.installs, self.now = installs, dict[str, str]()
        self.is_restored = False

    def install(self) -> None:
        self.now = self.installs

    def changed(self) -> dict[str, str]:
        return self.now

    def restore(self) -> None:
        self.now, self.is_restored = {}, True


async def run(former: FakeFormer, error=None, install=None) -> tuple[int, list[str]]:
    said: list[str] = []

    async def attempt():
        if isinstance(error, asyncio.CancelledError):
            raise error
        return error

    code = await update(former, install or former.install, attempt, said.append)
    return code, said


NEW = {"yt-dlp": "2026.1.1", "yt-dlp-ejs": "0.7", "new-dependency": ""}


async def test_a_release_that_works_stays():
    former = FakeFormer(NEW)
    code, said = await run(former)
    assert (code, former.is_restored) == (OK, False)
    assert "yt-dlp 2026.1.1, yt-dlp-ejs 0.7, new-dependency (new)" in said[0]
    assert said[-1] == "The known video works."


@pytest.mark.parametrize("error", [YouTubeChanged("no formats"), RateLimited()])
async def test_a_release_that_does_not_work_goes(error):
    former = FakeFormer(NEW)
    code, said = await run(former, error)
    assert (code, former.is_restored) == (WENT_BACK, True)
    assert said[1].startswith("Back to yt-dlp")
    assert said[2].startswith("The known video does not work: ")


async def test_where_nothing_is_newer_nothing_goes_back():
    former = FakeFormer({})
    code, said = await run(former, YouTubeChanged())
    assert (code, former.is_restored) == (WENT_BACK, False)
    assert "is the newest" in said[0]
    assert (await run(FakeFormer({})))[0] == OK


async def test_who_stops_it_meanwhile_has_the_former_one():
    former = FakeFormer(NEW)
    with pytest.raises(asyncio.CancelledError):
        await run(former, asyncio.CancelledError())
    assert former.is_restored


async def test_what_pip_did_half_is_undone():
    former = FakeFormer(NEW)

    def fails_halfway() -> None:
        former.install()
        raise PipFailed("install")

    code, said = await run(former, install=fails_halfway)
    assert (code, former.is_restored) == (PIP_FAILED, True)
    assert said[0] == "pip failed: install"
