"""This file runs a command, from its settings, with the core open, to the exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import typer

from bot.cli.commands import Commands, Outcome, Stop
from bot.cli.log_redaction import DiscreetFormatter, secrets_of
from bot.cli.output import JsonOutput, Output, TextOutput
from bot.config import Config, read_config
from bot.rendering.descriptions import exit_code
from bot.words import Words
from core.config import LOG_FILE
from core.errors import CoreError


@dataclass(frozen=True, slots=True)
class Setting:
    """What every command needs: the settings, the words, and where results go."""

    config: Config
    words: Words
    output: Output
    channel: str
    stop: Stop


RequestRunner = Callable[[Setting, Commands], Awaitable[None]]
Main = Callable[[Setting], Coroutine[Any, Any, int]]


def run(
    path: Path,
    channel: str,
    as_json: bool,
    work: RequestRunner,
    *,
    stays: bool = False,
    works: bool = False,
) -> None:
    """Does the work with the core open, and leaves. `stays`, `works`: see open_core."""

    async def main(setting: Setting) -> int:
        outcome = Outcome(setting.output)
        with outcome.telling():
            from core.bootstrap import open_core  # here: --help need not wait for SQLAlchemy

            async with open_core(setting.config, stays=stays, works=works) as core:
                await work(setting, Commands(core, outcome, setting.channel, setting.stop))
        return outcome.exit_code

    leave(path, channel, as_json, main)


def leave(path: Path, channel: str, as_json: bool, main: Main) -> None:
    """Ends the program with the exit code that `main` comes to."""
    make_output = JsonOutput if as_json else TextOutput
    try:
        config = read_config(path)
    except CoreError as error:
        make_output(Words("en")).error(error)
        raise typer.Exit(exit_code(error)) from None
    words = Words(config.language)
    setting = Setting(config, words, make_output(words), channel, Stop())
    _keep_log(config)
    try:
        code = asyncio.run(_until_told(main(setting), setting.stop))
    except (KeyboardInterrupt, asyncio.CancelledError):
        # At once: a thread may still be reading standard input, and cannot be told to stop.
        sys.stdout.flush()
        os._exit(130)
    except BrokenPipeError:  # as in `tubethread videos | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    raise typer.Exit(code)


async def _until_told(main: Coroutine[Any, Any, int], stop: Stop) -> int:
    """SIGTERM ends it as Ctrl-C does: what is open is closed. A second Ctrl-C waits for nothing."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None

    def interrupted() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        stop.by_person = True
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    loop.add_signal_handler(signal.SIGINT, interrupted)
    return await main


def _keep_log(config: Config) -> None:
    """What went wrong inside is for the log alone: nothing of it belongs on the screen."""
    logging.raiseExceptions = False
    handler = RotatingFileHandler(
        config.data_dir / LOG_FILE, maxBytes=5_000_000, backupCount=1, delay=True
    )
    handler.setFormatter(DiscreetFormatter(secrets_of(config)))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    threading.excepthook = _log_thread
    quiet()


def quiet() -> None:
    """httpx and httpcore log addresses, and Telegram's hold the token; python-telegram-bot logs an
    answer that it cannot read, and that may hold what people wrote."""
    for name in ("httpx", "httpcore", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("telegram").setLevel(logging.CRITICAL)


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    logging.getLogger(__name__).error("in a thread", exc_info=failed.exc_value)
