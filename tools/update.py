"""Install the newest yt-dlp, try one known video with it, and go back if that fails. `make update`.

Exit codes: 0 the newest is installed and works · 1 the known video does not work, and if yt-dlp was
replaced the former one is back · 2 pip failed · 75 YouTube asks for a pause: nothing was changed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from importlib import metadata
from pathlib import Path
from typing import Protocol

from bot.config import DEFAULT_PATH, Config, read_config
from bot.rendering.errors import describe_error
from bot.words import Words
from core.bootstrap import GATE_FILE
from core.errors import CoreError
from core.pipeline.youtube_gate import YouTubeGate
from core.workers.child_settings import make_supervisor
from core.workers.limits import FETCH
from core.workers.remote_backends import RemoteFetcher
from tools.former_packages import PipFailed, former_packages, pip

PACKAGE, EXTRAS = "yt-dlp", "[default,deno]"
KNOWN_VIDEO = "jNQXAC9IVRw"
"""YouTube's first video, 19 seconds."""
OK, WENT_BACK, PIP_FAILED, TRY_LATER = 0, 1, 2, 75

Say = Callable[[str], None]
Try = Callable[[], Awaitable[CoreError | None]]
"""Tries the known video with what is installed now; returns what it fails with."""


class Former(Protocol):
    """What was installed before."""

    def changed(self) -> dict[str, str]: ...
    def restore(self) -> None: ...


async def update(former: Former, install: Callable[[], None], attempt: Try, say: Say) -> int:
    """Run `install`, then `attempt`; put `former` back unless both go well, also if the program is
    stopped meanwhile. Returns the exit code."""
    is_good = False
    try:
        install()
        changed = former.changed()
        say(_told(changed))
        error = await attempt()
        is_good = error is None or not changed  # else there is nothing to go back to
    except PipFailed as failure:
        say(f"pip failed: {failure}")
        return PIP_FAILED
    finally:
        if not is_good and former.changed():
            former.restore()
            say(f"Back to {PACKAGE} {metadata.version(PACKAGE)}.")
    if error is None:
        say("The known video works.")
        return OK
    text = describe_error(error, Words("en"))
    say(f"The known video does not work: {text.message} {text.hint}")
    return WENT_BACK


def _told(changed: dict[str, str]) -> str:
    if not changed:
        return f"{PACKAGE} {metadata.version(PACKAGE)} is the newest."
    each = [f"{name} {version or '(new)'}" for name, version in changed.items()]
    return f"Installed {PACKAGE} {metadata.version(PACKAGE)}, in place of {', '.join(each)}."


async def try_video(config: Config, video_id: str) -> CoreError | None:
    """Look up the video and download its audio in a fetch child, which imports the yt-dlp that is
    installed now."""
    async with make_supervisor(FETCH, config) as child:
        fetcher = _gate(config, RemoteFetcher(child))
        # The only place where the child may write; a starting bot clears others' of dead processes.
        scratch = config.data_dir / "scratch" / str(os.getpid())
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            try:
                video = await fetcher.look_up(video_id)
                await fetcher.download(video, Path(folder), lambda progress: None)
            except CoreError as error:
                return error
    return None


def _gate(config: Config, fetcher: RemoteFetcher) -> YouTubeGate:
    """The gate of the whole data folder: a refusal here pauses a running bot too."""
    return YouTubeGate(fetcher, config.data_dir / GATE_FILE)


async def _main(config: Config, video_id: str) -> int:
    async with make_supervisor(FETCH, config) as child:
        if pause_s := _gate(config, RemoteFetcher(child)).pause_s():
            print(f"YouTube asks for a pause of {pause_s / 60:.0f} more minutes: try again then.")
            return TRY_LATER
    with former_packages(PACKAGE) as former:
        return await update(
            former,
            lambda: pip("install", "--quiet", "--upgrade", PACKAGE + EXTRAS),
            lambda: try_video(config, video_id),
            lambda text: print(text, flush=True),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH)
    parser.add_argument("--video", default=KNOWN_VIDEO, help="the id of the video to try")
    given = parser.parse_args()
    try:
        config = read_config(given.config)
    except CoreError as error:
        text = describe_error(error, Words("en"))
        sys.exit(f"{text.message} {text.hint}")
    try:
        sys.exit(asyncio.run(_main(config, given.video)))
    except PipFailed as failure:
        sys.exit(f"pip failed: {failure}. Install a {PACKAGE} that works: pip install {PACKAGE}==…")


if __name__ == "__main__":
    main()
