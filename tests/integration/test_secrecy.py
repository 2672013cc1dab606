"""Neither a child nor another user reads what belongs to the program."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.secrecy import make_private

ROOT = Path(__file__).resolve().parents[2]

TOKEN = "123:a-secret-token"
DROP_CAPABILITY = 24  # PR_CAPBSET_DROP


def drop_capabilities():
    """Make root a user like any other, who cannot read everything."""
    for capability in range(41):
        ctypes.CDLL(None).prctl(DROP_CAPABILITY, capability, 0, 0, 0)


def run(program, **environment):
    """Run a program in a process that it may change; return what it printed."""
    return subprocess.run(
        [sys.executable, "-c", f"import os, subprocess, sys\n{program}"],
        preexec_fn=drop_capabilities,
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def reading_the_parent(then):
    reader = "open(f'/proc/{os.getppid()}/environ').read()"
    return (
        f"{then}\n"
        f'child = "import os; print({reader})"\n'
        "ran = subprocess.run([sys.executable, '-c', child], capture_output=True, text=True)\n"
        "print(ran.stdout + ran.stderr)"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_child_cannot_read_its_parents_environment():
    protect = "from core.secrecy import protect_process; protect_process()"
    assert TOKEN in run(reading_the_parent("pass"), BOT_TOKEN=TOKEN)
    seen = run(reading_the_parent(protect), BOT_TOKEN=TOKEN)
    assert TOKEN not in seen
    assert "PermissionError" in seen


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_secrets_that_were_read_are_erased_from_the_environment():
    program = (
        "from core.secrecy import erase_from_environment\n"
        f"erase_from_environment(({TOKEN!r},))\n"
        "print(open('/proc/self/environ').read(), dict(os.environ))"
    )
    seen = run(program, BOT_TOKEN=TOKEN, OTHER="not secret")
    assert TOKEN not in seen
    assert seen.count("not secret") == 2


def test_the_data_folder_of_an_earlier_release_is_closed_to_other_users(tmp_path):
    (tmp_path / "data" / "cache").mkdir(parents=True)
    for name in ("store.sqlite", "tubethread.log"):
        (tmp_path / "data" / name).touch(0o644)
    outside = tmp_path / "outside"
    outside.touch(0o644)
    (tmp_path / "data" / "link").symlink_to(outside)
    make_private(tmp_path / "data")
    assert rights(tmp_path / "data") == rights(tmp_path / "data" / "cache") == 0o700
    assert rights(tmp_path / "data" / "store.sqlite") == 0o600
    assert rights(outside) == 0o644


def test_a_folder_of_all_users_stays_theirs(tmp_path):
    tmp_path.chmod(0o1777)
    make_private(tmp_path)
    assert rights(tmp_path) == 0o777


def rights(path: Path):
    return path.stat().st_mode & 0o777
