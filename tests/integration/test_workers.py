"""A child's results, errors, crashes and timeouts reach their caller, and no other."""

import asyncio
import logging
import os
import resource
import shutil
import sys
import time
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from logging.handlers import RotatingFileHandler

import numpy as np
import psutil
import pytest

from core.errors import GeoBlocked, WorkerFailed, WorkerOutOfMemory, WorkerTimeout
from core.model import Progress
from core.workers.limits import FETCH, INDEX, SPEECH
from core.workers.protocol import read_vectors
from core.workers.supervisor import ChildSupervisor, installed_versions

MODULE = "tests.harness.misbehaving_child"
SETUP = {"max_file_bytes": 1_000_000}
MEGABYTE = 1 << 20
TROUBLE = {
    "stop": WorkerTimeout,  # by SIGSTOP
    "hold": WorkerTimeout,  # holds the GIL, so that not even the heartbeat thread runs
    "hang": WorkerTimeout,  # sends heartbeats, but no reply
    "crash": WorkerFailed,
    "exit": WorkerFailed,
    "break": WorkerFailed,
    "bloat": WorkerOutOfMemory,
    "have_bloated_child": WorkerOutOfMemory,
    "run_out": WorkerOutOfMemory,
}


@pytest.fixture
def make_worker(monkeypatch):
    monkeypatch.setenv("DISCORD_TOKEN", "a secret")
    monkeypatch.setenv("HF_TOKEN", "another secret")

    def make(role=FETCH):
        return ChildSupervisor(role, SETUP, module=MODULE)

    return make


async def wait_until_gone(pid):
    deadline = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < deadline, "the process still runs"
        await asyncio.sleep(0.02)


def is_alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def test_values_survive_the_round_trip(make_worker):
    async with make_worker() as worker:
        for value in ("한국어 \ud800 \u2028\n", [1, 2.5, None], {"a": True}):
            assert await worker.call("echo", value=value) == value
        array = np.random.default_rng(1).random((3, 4), dtype=np.float32)
        back = read_vectors(await worker.call("echo", value=array))
        assert np.array_equal(back, array)


async def test_an_update_of_its_library_reaches_a_child_with_the_next_request(
    make_worker, tmp_path, monkeypatch
):
    def install(version):
        for old in tmp_path.glob("*.dist-info"):
            shutil.rmtree(old)
        if version:
            folder = tmp_path / f"beekeeping-{version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Name: beekeeping\nVersion: {version}\n")

    monkeypatch.syspath_prepend(tmp_path)
    install("1.0")
    async with make_worker(replace(FETCH, packages=("beekeeping",))) as worker:
        first = await worker.call("pid")
        assert await worker.call("pid") == first
        install("")  # in the middle of an update
        assert await worker.call("pid") == first
        install("2.0")
        second = await worker.call("pid")
        assert second != first
        assert await worker.call("pid") == second


def test_the_fetch_child_follows_what_make_update_installs():
    assert "yt-dlp" in FETCH.packages
    assert None not in installed_versions(FETCH.packages)


async def test_results_stream_with_their_progress(make_worker):
    told = []
    async with make_worker() as worker:
        items = [n async for n in worker.stream("count", told.append, until=4, pause_s=0)]
    assert items == [0, 1, 2, 3]
    assert told == [Progress("transcribe", n / 4) for n in range(4)]


async def test_one_process_serves_request_after_request(make_worker):
    async with make_worker() as worker:
        pids = {await worker.call("pid") for _ in range(3)}
        told = [n async for n in worker.stream("count", until=2, pause_s=0)]
        assert {await worker.call("pid")} == pids
    assert told == [0, 1]


async def test_a_core_error_arrives_with_its_facts(make_worker):
    async with make_worker() as worker:
        with pytest.raises(GeoBlocked) as caught:
            await worker.call("refuse")
        assert caught.value.countries == ("DE", "FR")
        assert await worker.call("echo", value=1) == 1


async def test_an_unexpected_error_is_logged_and_reported_without_its_message(make_worker, caplog):
    caplog.set_level(logging.INFO)
    async with make_worker() as worker:
        with pytest.raises(WorkerFailed) as caught:
            await worker.call("break")
        assert caught.value.facts == {"role": "fetch", "detail": "ZeroDivisionError"}
    [record] = [one for one in caplog.records if hasattr(one, "child")]
    assert "ZeroDivisionError" in record.exc_text
    assert (record.levelname, record.child) == ("WARNING", "fetch")
    assert record.getMessage() == "fetch: core.workers.child_server unexpected error"


async def test_what_a_child_logs_is_in_the_log_also_after_it_was_rotated(make_worker, tmp_path):
    handler = RotatingFileHandler(tmp_path / "log", maxBytes=1000, backupCount=1)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        async with make_worker() as worker:
            await worker.call("babble")
            for n in range(100):
                root.info("another part of the program, line %d", n)
            await worker.call("babble")
        assert (tmp_path / "log").read_text().count("fetch: chatter of a program") == 1
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


async def test_after_a_crash_the_next_request_finds_a_new_child(make_worker):
    async with make_worker() as worker:
        first = await worker.call("pid")
        with pytest.raises(WorkerFailed) as caught:
            await worker.call("crash")
        assert "SIGSEGV" in caught.value.detail
        assert await worker.call("pid") != first


async def test_a_child_killed_between_two_requests_is_replaced(make_worker):
    async with make_worker() as worker:
        pid = await worker.call("pid")
        os.kill(pid, 9)
        await wait_until_gone(pid)
        await asyncio.sleep(0.1)
        assert await worker.call("echo", value=1) == 1


async def test_a_hanging_child_is_killed(make_worker):
    async with make_worker(replace(FETCH, reply_timeout_s=1)) as worker:
        pid = await worker.call("pid")
        with pytest.raises(WorkerTimeout):
            await worker.call("hang")
        await wait_until_gone(pid)
        assert await worker.call("echo", value=1) == 1


async def test_an_abandoned_request_that_hangs_is_killed(make_worker):
    async with make_worker(replace(INDEX, drain_s=0.2)) as worker:
        pid = await worker.call("pid")
        asking = asyncio.create_task(worker.call("hang"))
        await asyncio.sleep(0.1)
        asking.cancel()
        await asyncio.wait([asking])
        await wait_until_gone(pid)
        assert await worker.call("echo", value=1) == 1


def limited(role, timeout_s=60, megabytes=400):
    share = megabytes * MEGABYTE / psutil.virtual_memory().total
    return replace(
        role, reply_timeout_s=timeout_s, heartbeat_timeout_s=timeout_s, memory_share=share
    )


async def get_into_trouble(worker, method, error):
    args = {"size": 500 * MEGABYTE} if "bloat" in method else {}
    pid = await worker.call("pid")
    with pytest.raises((WorkerFailed, WorkerTimeout)) as told:
        await worker.call(method, **args)
    assert told.type is error
    assert told.value.role == worker.limits.name
    await wait_until_gone(pid)
    assert await worker.call("pid") != pid


@pytest.mark.usefixtures("forked_children")  # it starts 63 of them
@pytest.mark.parametrize(("method", "error"), TROUBLE.items(), ids=TROUBLE)
async def test_a_failing_child_is_reported_and_replaced_while_others_answer(
    method, error, make_worker
):
    # Memory takes time to fill, and a first answer on a busy machine too.
    timeout_s = 4 if error is WorkerTimeout else 60
    async with AsyncExitStack() as stack:
        bad = [
            await stack.enter_async_context(make_worker(limited(role, timeout_s)))
            for role in (FETCH, SPEECH, INDEX)
        ]
        other = await stack.enter_async_context(make_worker())
        await stack.enter_async_context(asyncio.timeout(60))
        await other.call("pid")  # it has started
        trouble = asyncio.gather(*(get_into_trouble(worker, method, error) for worker in bad))
        answers = 0
        while not trouble.done():
            assert await other.call("echo", value=answers) == answers
            answers += 1
            await asyncio.sleep(0.01)
        await trouble
    assert answers > 1


async def test_a_request_has_a_total_limit_even_if_it_keeps_replying(make_worker):
    hasty = replace(FETCH, reply_timeout_s=60, method_timeouts_s={"count": 1})
    async with make_worker(hasty) as worker:
        with pytest.raises(WorkerTimeout) as told:
            await worker.call("count", until=10_000, pause_s=0.05)
        assert told.value.seconds == 1


async def test_work_may_take_longer_than_the_reply_timeout_if_it_keeps_replying(make_worker):
    async with make_worker(replace(FETCH, reply_timeout_s=3)) as worker:
        assert await worker.call("count", until=6, pause_s=0.9) == 5


async def test_a_parent_that_stood_still_does_not_time_out_its_child(make_worker):
    async with make_worker(limited(FETCH, timeout_s=2)) as worker:
        assert await worker.call("echo", value=1) == 1
        counting = asyncio.create_task(worker.call("count", until=50, pause_s=0.1))
        await asyncio.sleep(0.2)
        time.sleep(3)  # noqa: ASYNC251 - blocking the loop is the test
        assert await counting == 49


async def test_a_child_is_replaced_after_max_requests(make_worker):
    async with make_worker(replace(INDEX, max_requests=2)) as worker:
        pids = [await worker.call("pid") for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


async def test_a_child_that_holds_too_much_memory_is_replaced_between_requests(make_worker):
    async with make_worker(limited(SPEECH, megabytes=800)) as worker:
        pid = await worker.call("pid")
        grown = [n async for n in worker.stream("hoard", size=100 * MEGABYTE, pieces=6)]
        assert grown == [pid] * 6
        assert await worker.call("pid") != pid


async def test_an_idle_child_ends_and_restarts_at_the_next_request(make_worker):
    async with make_worker(replace(SPEECH, idle_timeout_s=0.3)) as worker:
        pid = await worker.call("pid")
        assert await worker.call("count", until=4, pause_s=0.2) == 3
        assert await worker.call("pid") == pid
        await wait_until_gone(pid)
        assert await worker.call("echo", value=1) == 1


async def test_a_child_has_lower_priority(make_worker):
    async with make_worker() as worker:
        assert await worker.call("rank") > os.nice(0)


async def test_a_child_that_cannot_start_is_an_error(make_worker, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    async with make_worker() as worker:
        with pytest.raises(WorkerFailed):
            await worker.call("pid")


async def test_without_a_free_file_handle_a_request_fails_and_the_next_one_works(make_worker):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with make_worker() as worker:
        with pytest.raises(WorkerFailed):
            await worker.call("exit")  # the next request needs a new child
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            with pytest.raises(WorkerFailed):
                await worker.call("pid")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert await worker.call("echo", value=1) == 1


async def test_a_second_cancel_while_draining_leaves_no_reply_behind(make_worker):
    async with make_worker(INDEX) as worker:
        asking = asyncio.create_task(worker.call("count", until=3, pause_s=0.5))
        await asyncio.sleep(0.8)
        for _ in range(2):
            asking.cancel()
            await asyncio.sleep(0.05)
        await asyncio.wait([asking])
        assert await worker.call("echo", value="mine") == "mine"


async def test_closing_a_stream_kills_a_disposable_child(make_worker):
    async with make_worker() as worker:
        pid = await worker.call("pid")
        async with aclosing(worker.stream("count", until=1000, pause_s=1)) as items:
            async for _ in items:
                break
        await wait_until_gone(pid)


async def test_a_cancelled_request_of_a_child_that_is_kept_leaves_no_reply_behind(make_worker):
    async with make_worker(INDEX) as worker:
        pid = await worker.call("pid")
        task = asyncio.create_task(worker.call("count", until=5, pause_s=0.05))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await worker.call("echo", value="mine") == "mine"
        assert await worker.call("pid") == pid


async def test_requests_at_once_are_served_in_turn(make_worker):
    async with make_worker() as worker:
        values = range(20)
        calls = (worker.call("echo", value=value) for value in values)
        assert await asyncio.gather(*calls) == list(values)


async def test_urgent_requests_are_served_before_those_that_wait(make_worker):
    async with make_worker() as worker:
        served = []

        async def ask(value, *, urgent=False):
            served.append(await worker.call("echo", urgent=urgent, value=value))

        async with asyncio.TaskGroup() as tasks:
            for n in range(4):
                tasks.create_task(ask(n))
            tasks.create_task(ask("question", urgent=True))
        assert served == [0, "question", 1, 2, 3]


async def test_output_printed_by_libraries_is_ignored(make_worker):
    async with make_worker() as worker:
        assert await worker.call("babble") == "the result"
        assert await worker.call("echo", value=1) == 1


async def test_a_child_gets_no_secret_from_the_environment(make_worker):
    async with make_worker() as worker:
        environment = await worker.call("environment")
    assert "PATH" in environment
    assert "secret" not in str(environment)
    assert "HF_TOKEN" not in environment


async def test_a_child_knows_the_proxies_and_certificates_of_its_network(make_worker, monkeypatch):
    wanted = {
        "https_proxy": "http://proxy.example:3128",
        "ALL_PROXY": "socks5://proxy.example:1080",
        "no_proxy": "localhost",
        "SSL_CERT_DIR": "/etc/our-certificates",
        "CURL_CA_BUNDLE": "/etc/ours.pem",
    }
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    async with make_worker() as worker:
        assert wanted.items() <= (await worker.call("environment")).items()


async def test_a_child_is_killed_with_its_own_children(make_worker):
    async with make_worker() as worker:
        grandchild = await worker.call("have_child")
        assert is_alive(grandchild)
    await wait_until_gone(grandchild)


async def test_a_child_cannot_fill_the_disk_with_one_file(make_worker, tmp_path):
    async with make_worker() as worker:
        with pytest.raises(WorkerFailed):
            await worker.call("write", path=str(tmp_path / "huge"), size=2_000_000)
    assert (tmp_path / "huge").stat().st_size <= SETUP["max_file_bytes"]


async def test_a_child_does_not_outlive_its_parent(tmp_path):
    program = (
        "import asyncio, os\n"
        "from core.workers.limits import FETCH\n"
        "from core.workers.supervisor import ChildSupervisor\n"
        "async def main():\n"
        f"    worker = ChildSupervisor(FETCH, {SETUP!r},\n"
        "                    module='tests.harness.misbehaving_child')\n"
        "    print(await worker.call('pid'), await worker.call('have_child'), flush=True)\n"
        "    await worker.call('hang')\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        os.sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert all(map(is_alive, pids))
    parent.kill()
    await parent.wait()
    for pid in pids:
        await wait_until_gone(pid)
