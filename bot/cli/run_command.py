"""Run a command: read the settings, open the core, map the result to an exit code."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import typer

from bot.cli.commands import Commands, Outcome, Stop
from bot.cli.exit_codes import INTERRUPTED, exit_code
from bot.cli.log_redaction import JsonFormatter, RedactingFormatter, secrets_of
from bot.cli.output import JsonOutput, Output, TextOutput
from bot.config import Config, read_config
from bot.words import Words
from core.config import LOG_FILE
from core.errors import CoreError
from core.secrecy import erase_from_environment, protect_process


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What every command needs: settings, texts, and where results go."""

    config: Config
    words: Words
    output: Output
    channel: str
    stop: Stop


CommandBody = Callable[[CommandContext, Commands], Awaitable[None]]
Main = Callable[[CommandContext], Coroutine[Any, Any, int]]


def run_with_core(
    path: Path,
    channel: str,
    as_json: bool,
    body: CommandBody,
    *,
    stays: bool = False,
    works: bool = False,
) -> None:
    """Run `body` with the core open, then exit. `stays` and `works` are those of open_core."""

    async def main(context: CommandContext) -> int:
        outcome = Outcome(context.output)
        with outcome.reporting_errors():
            from core.bootstrap import open_core  # here: importing SQLAlchemy would slow --help

            async with open_core(context.config, stays=stays, works=works) as core:
                await body(context, Commands(core, outcome, context.channel, context.stop))
        return outcome.exit_code

    run_and_exit(path, channel, as_json, main)


def run_and_exit(path: Path, channel: str, as_json: bool, main: Main) -> None:
    """Run `main` and exit with the code it returns."""
    protect_process()
    make_output = JsonOutput if as_json else TextOutput
    try:
        config = read_config(path)
    except CoreError as error:
        make_output(Words("en")).error(error)
        raise typer.Exit(exit_code(error)) from None
    words = Words(config.language)
    context = CommandContext(config, words, make_output(words), channel, Stop())
    secrets = secrets_of(config)
    erase_from_environment(secrets)
    _log_to_file(config, secrets)
    try:
        code = asyncio.run(_until_signal(main(context), context.stop))
    except (KeyboardInterrupt, asyncio.CancelledError):
        # Exit at once: a thread that reads standard input can't be stopped.
        sys.stdout.flush()
        os._exit(INTERRUPTED)
    except BrokenPipeError:  # as in `tubethread videos | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    raise typer.Exit(code)


async def _until_signal(main: Coroutine[Any, Any, int], stop: Stop) -> int:
    """Cancel `main` at SIGTERM or Ctrl-C, so that it closes what it opened. A second Ctrl-C exits
    at once."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        stop.by_user = True
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    return await main


def _log_to_file(config: Config, secrets: Iterable[str]) -> None:
    """Send all log messages to the log file; none go to the screen."""
    logging.raiseExceptions = False
    handler = RotatingFileHandler(
        config.data_dir / LOG_FILE, maxBytes=5_000_000, backupCount=1, delay=True
    )
    formatter = JsonFormatter if config.log.format == "json" else RedactingFormatter
    handler.setFormatter(formatter(secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    threading.excepthook = _log_thread_error
    silence_libraries()


def silence_libraries() -> None:
    """Raise the log level of libraries that log secrets or messages: httpx and httpcore log URLs,
    and Telegram's contain the token; python-telegram-bot logs responses it can't parse."""
    for name in ("httpx", "httpcore", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("telegram").setLevel(logging.CRITICAL)


def _log_thread_error(failed: threading.ExceptHookArgs) -> None:
    logging.getLogger(__name__).error("exception in a thread", exc_info=failed.exc_value)
