"""Only one process of a data folder serves a platform."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from bot.single_server import serving_alone

OTHER = """
import asyncio, sys
from pathlib import Path
from bot.single_server import serving_alone

async def serve():
    async with serving_alone(Path(sys.argv[1]), "telegram"):
        print("serving", flush=True)
        await asyncio.Event().wait()

asyncio.run(serve())
"""


async def test_a_second_process_waits_until_the_first_has_ended_however_it_ends(tmp_path):
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER, str(tmp_path), stdout=subprocess.PIPE
    )
    assert await other.stdout.readline() == b"serving\n"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1), serving_alone(tmp_path, "telegram"):
            pass
    async with serving_alone(tmp_path, "discord"):
        pass
    other.kill()
    await other.wait()
    async with asyncio.timeout(10), serving_alone(tmp_path, "telegram"):
        pass
