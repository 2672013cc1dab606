"""Neither a child nor another user reads what belongs to the program."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import Core, YouTube
from core.errors import WorkerFailed
from core.secrecy import make_private
from core.workers.child_settings import make_supervisor
from core.workers.limits import FETCH

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


@pytest.fixture
def confined(tmp_path):
    """A fetch child as the program starts it, with a method that opens files."""
    (tmp_path / "data" / "scratch").mkdir(parents=True)
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n")
    config = Core(data_dir=tmp_path / "data", youtube=YouTube(cookies_file=cookies))
    return make_supervisor(FETCH, config, "tests.harness.misbehaving_child")


def has_landlock() -> bool:
    return ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) > 0


@pytest.mark.skipif(sys.platform != "linux" or not has_landlock(), reason="Landlock")
async def test_the_fetch_child_uses_its_scratch_folder_and_no_other_file_of_ours(
    confined, tmp_path
):
    scratch = tmp_path / "data" / "scratch" / "7"
    scratch.mkdir()
    for path in (tmp_path / "config.yaml", tmp_path / "data" / "tubethread.db"):
        path.write_text("secret")
    async with confined as child:
        for path in (
            tmp_path / "config.yaml",
            tmp_path / "data" / "tubethread.db",
            ROOT / "README.md",
        ):
            with pytest.raises(WorkerFailed, match="PermissionError"):
                await child.call("read", path=path)
        with pytest.raises(WorkerFailed, match="PermissionError"):
            await child.call("write_text", path=tmp_path / "data" / "new", text="x")
        await child.call("write_text", path=scratch / "audio", text="x")
        assert await child.call("read", path=scratch / "audio") == "x"
        assert "Netscape" in await child.call("read", path=tmp_path / "cookies.txt")
        assert await child.call(
            "runs", program=[sys.executable, "-c", "import yt_dlp; print('ok')"]
        )
        deno = Path(sys.executable).with_name("deno")
        if deno.exists():
            assert await child.call("runs", program=[str(deno), "eval", "console.log('ok')"])
        program = [sys.executable, "-c", f"open({str(tmp_path / 'config.yaml')!r})"]
        with pytest.raises(WorkerFailed, match="CalledProcessError"):
            await child.call("runs", program=program)
