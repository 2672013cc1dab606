"""Jobs on the command line: what a kill, a stop and Ctrl-C leave of them, and the commands that
list, stop and finish them.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess

import pytest

from tests.harness.eventually import eventually
from tests.harness.terminal import Terminal

LECTURE = "lecture-2min-us"
STOPPED = 130
LIMIT_S = 10


def begin(terminal: Terminal, recordings: dict[str, str]) -> subprocess.Popen[str]:
    """Start an ingest and return it in the middle of its work."""
    process = terminal.start("ingest", recordings[LECTURE], "--json")
    assert any('"load"' in line for line in process.stdout)
    return process


def end(process: subprocess.Popen[str], by: signal.Signals) -> int:
    process.send_signal(by)
    process.communicate(timeout=LIMIT_S)  # raises if it takes longer
    return process.returncode


def pending(terminal: Terminal) -> list[dict[str, object]]:
    return terminal.run("jobs", "--json").only("jobs")["jobs"]


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "stop"])
def test_a_worker_finishes_what_was_left_and_every_process_can_see_it(terminal, recordings, by):
    end(begin(terminal, recordings), by)
    [job] = pending(terminal)
    assert job.keys() >= {"id", "video_id", "channel", "stage", "fraction", "eta_s"}
    assert job["channel"] == "console"
    assert job["id"] in terminal.run("jobs").out
    assert terminal.run("videos", "--json").only("videos")["videos"] == []
    worker = terminal.start("worker")
    assert "Waiting for jobs" in worker.stderr.readline()
    # Another process orders the same video and watches the worker's progress.
    ran = terminal.run("ingest", recordings[LECTURE], "--json")
    assert ran.only("ready")["video"]["id"] == job["video_id"]
    # The first order may receive its outcome a moment later than the second.
    asyncio.run(eventually(lambda: not pending(terminal)))
    assert end(worker, signal.SIGTERM) == STOPPED
    [video] = terminal.run("videos", "--json").only("videos")["videos"]
    assert video["id"] == job["video_id"]


def test_what_a_person_breaks_off_is_not_wanted_any_more(terminal, recordings):
    assert end(begin(terminal, recordings), signal.SIGINT) == STOPPED
    assert pending(terminal) == []


def test_a_job_can_be_cancelled_from_another_process(terminal, recordings):
    process = begin(terminal, recordings)
    [job] = pending(terminal)
    assert terminal.run("cancel", str(job["id"]), "--json").only("cancelled")["job"] == job["id"]
    out, _ = process.communicate(timeout=LIMIT_S)
    assert '"job_cancelled"' in out
    assert process.returncode == 2
    again = terminal.run("cancel", str(job["id"]), "--json")
    assert (again.code, again.only("error")["code"]) == (2, "unknown_job")
    assert "No jobs" in terminal.run("jobs").out


def test_a_forgotten_channel_leaves_no_job_behind(terminal, recordings):
    end(begin(terminal, recordings), signal.SIGKILL)
    terminal.run("forget", "--channel", "console")
    assert pending(terminal) == []
