"""The order in which a priority lock is acquired, including cancelled waiters."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.workers.priority_lock import PriorityLock

TICKS = 30


class Crowd:
    """Tasks at one lock, each holding it for a few ticks. `entered`: their numbers, in order."""

    def __init__(self):
        self.lock = PriorityLock()
        self.entered = []
        self.inside = 0
        self.tasks = []

    def queue(self, *, urgent, ticks=2):
        number = len(self.tasks)
        self.tasks.append(asyncio.create_task(self._enter(number, urgent, ticks)))

    async def _enter(self, number, urgent, ticks):
        async with self.lock(urgent=urgent):
            self.inside += 1
            assert self.inside == 1
            self.entered.append(number)
            try:
                for _ in range(ticks):
                    await asyncio.sleep(0)
            finally:
                self.inside -= 1

    async def finish(self):
        async with asyncio.timeout(5):
            await asyncio.gather(*self.tasks, return_exceptions=True)
        async with asyncio.timeout(1), self.lock():  # it is free again
            assert self.inside == 0


async def test_urgent_tasks_go_first_and_each_kind_keeps_its_order():
    crowd = Crowd()
    for urgent in (False, False, True, False, True, True):
        crowd.queue(urgent=urgent)
    await crowd.finish()
    assert crowd.entered == [0, 2, 4, 5, 1, 3]


async def test_a_newcomer_cannot_overtake_while_the_lock_is_handed_over():
    crowd = Crowd()
    async with crowd.lock():
        crowd.queue(urgent=False)
        await asyncio.sleep(0)
    async with crowd.lock(urgent=True):  # number 0 has not woken yet
        assert crowd.entered == [0]
    await crowd.finish()


async def test_an_error_inside_releases_the_lock():
    lock = PriorityLock()
    with pytest.raises(KeyError):
        async with lock():
            raise KeyError
    async with asyncio.timeout(1), lock():
        pass


async def test_a_lock_handed_to_a_task_just_cancelled_goes_to_the_next():
    lock, entered = PriorityLock(), []

    async def enter(name):
        async with lock():
            entered.append(name)

    async with lock():
        gone, next_one = (asyncio.create_task(enter(name)) for name in ("gone", "next"))
        await asyncio.sleep(0)
    gone.cancel()  # it was its turn, but it has not woken yet
    async with asyncio.timeout(1):
        await next_one
    with suppress(asyncio.CancelledError):
        await gone
    assert entered == ["next"]


waiters = st.lists(
    st.tuples(st.booleans(), st.integers(0, 3), st.none() | st.integers(0, TICKS)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(waiters=waiters, released=st.integers(0, 5))
def test_no_turn_is_lost_whichever_task_is_cancelled(waiters, released):
    asyncio.run(cancelled_at_random(waiters, released))


async def cancelled_at_random(waiters, released):
    """`waiters`: urgent, ticks inside, and the tick at which it is cancelled, if any."""
    crowd = Crowd()
    holder = asyncio.Event()

    async def hold():
        async with crowd.lock():
            await holder.wait()

    holding = asyncio.create_task(hold())
    await asyncio.sleep(0)
    for urgent, ticks, _ in waiters:
        crowd.queue(urgent=urgent, ticks=ticks)
    await asyncio.sleep(0)
    for tick in range(TICKS + 1):
        if tick == released:
            holder.set()
        for task, (_, _, cancelled) in zip(crowd.tasks, waiters, strict=True):
            if cancelled == tick:
                task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(holding, crowd.finish())
    order = sorted(range(len(waiters)), key=lambda number: (not waiters[number][0], number))
    assert crowd.entered == [number for number in order if number in crowd.entered]
    stayed = {number for number, (_, _, cancelled) in enumerate(waiters) if cancelled is None}
    assert stayed <= set(crowd.entered)
    failed = [task for task in crowd.tasks if not task.cancelled() and task.exception()]
    assert not failed
