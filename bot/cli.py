"""This file is the command line: it reads options, opens the core, and leaves with an exit code.

0 done · 1 a check of doctor's failed · 2 the request or the video · 75 try again later
78 configuration · 130 stopped
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.config import DEFAULT_PATH, Config, read_config
from bot.conversation import Conversation
from bot.handlers import Handlers, Outcome
from bot.lines import typed_lines
from bot.output import JsonOutput, Output, TextOutput
from bot.render import exit_code, export_labels
from bot.words import Words
from core.config import LOG_FILE
from core.errors import CoreError

app = typer.Typer(
    help="A YouTube link or a file becomes something one can talk to, on this machine alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Format(StrEnum):
    txt = "txt"
    md = "md"
    srt = "srt"
    vtt = "vtt"
    json = "json"


class SummaryLanguage(StrEnum):
    en = "en"
    ko = "ko"


Channel = Annotated[str, typer.Option("--channel", help="Whose library it belongs to.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Language = Annotated[
    SummaryLanguage | None, typer.Option("--language", help="The language of the summary.")
]
CHANNEL = "console"


@dataclass(frozen=True, slots=True)
class Setting:
    """What every command needs: the settings, the words, and where results go."""

    config: Config
    words: Words
    output: Output
    channel: str


Work = Callable[[Setting, Handlers], Awaitable[None]]
Main = Callable[[Setting], Coroutine[Any, Any, int]]


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", help="The settings.", show_default=True)
    ] = DEFAULT_PATH,
) -> None:
    """A YouTube link or a file becomes something one can talk to, on this machine alone."""
    context.obj = config


@app.command()
def chat(
    context: typer.Context,
    source: Annotated[str | None, typer.Argument(metavar="[LINK or FILE]")] = None,
    channel: Channel = CHANNEL,
    suggested: Annotated[
        bool, typer.Option("--suggested", help="Ask the suggested questions first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Talk about a video: links and files are taken in, all else is a question."""

    async def work(setting: Setting, handlers: Handlers) -> None:
        conversation = Conversation(handlers)
        if source is not None and not await conversation.take_in(source):
            return
        if suggested:
            await conversation.ask_suggested()
        setting.output.hint("console.source" if source is None else "console.ask")
        async with aclosing(typed_lines("> ")) as lines:
            async for line in lines:
                await conversation.hear(line)

    _run(context.obj, channel, as_json, work, stays=True)


@app.command()
def ingest(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="LINK or FILE...")],
    channel: Channel = CHANNEL,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Hear, sum up and index videos."""

    async def work(setting: Setting, handlers: Handlers) -> None:
        await handlers.ingest(sources, language)

    _run(context.obj, channel, as_json, work)


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument()],
    video: Annotated[str | None, typer.Option("--video", metavar="ID")] = None,
    channel: Channel = CHANNEL,
    thread: Annotated[
        str, typer.Option("--thread", metavar="NAME", help="The conversation it belongs to.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Ask one video, or all that the channel knows."""

    async def work(setting: Setting, handlers: Handlers) -> None:
        await handlers.ask(question, video, thread)

    _run(context.obj, channel, as_json, work)


@app.command()
def search(
    context: typer.Context,
    queries: Annotated[list[str], typer.Argument(metavar="WORDS...")],
    channel: Channel = CHANNEL,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100)] = 10,
    as_json: Json = False,
) -> None:
    """Find where something is said."""

    async def work(setting: Setting, handlers: Handlers) -> None:
        await handlers.search(queries, limit)

    _run(context.obj, channel, as_json, work)


@app.command()
def videos(context: typer.Context, channel: Channel = CHANNEL, as_json: Json = False) -> None:
    """List the channel's videos."""

    async def work(setting: Setting, handlers: Handlers) -> None:
        await handlers.videos()

    _run(context.obj, channel, as_json, work)


@app.command()
def forget(
    context: typer.Context,
    video: Annotated[str | None, typer.Argument(metavar="[VIDEO]")] = None,
    channel: Annotated[str | None, typer.Option("--channel")] = None,
    as_json: Json = False,
) -> None:
    """Delete a video from a channel, or, with --channel alone, all of the channel."""
    if video is None and channel is None:
        raise typer.BadParameter("name a VIDEO, or a --channel to forget as a whole")

    async def work(setting: Setting, handlers: Handlers) -> None:
        await handlers.forget(video)

    _run(context.obj, channel or CHANNEL, as_json, work)


@app.command()
def export(
    context: typer.Context,
    video: Annotated[str, typer.Argument()],
    format: Annotated[Format, typer.Option("--format")] = Format.md,
    target: Annotated[
        Path | None, typer.Option("-o", "--output", help="A file; else standard output.")
    ] = None,
    channel: Channel = CHANNEL,
) -> None:
    """Write one video with its summary and conversation."""

    async def work(setting: Setting, handlers: Handlers) -> None:
        labels = export_labels(setting.words)
        await handlers.export(video, format.value, labels, target)

    _run(context.obj, channel, False, work)


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    as_json: Json = False,
) -> None:
    """Copy the whole store into one file, also while others use it."""

    async def main(setting: Setting) -> int:
        from bot.rescue import backup  # here: --help need not wait for SQLAlchemy

        return await backup(setting.config, Outcome(setting.output), file)

    _leave(context.obj, CHANNEL, as_json, main)


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Else the newest copy kept by itself.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put a copy of the store back, also while others use it; what it held is kept beside it."""

    async def main(setting: Setting) -> int:
        from bot.rescue import restore  # here: --help need not wait for SQLAlchemy

        return await restore(setting.config, Outcome(setting.output), file)

    _leave(context.obj, CHANNEL, as_json, main)


@app.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check that all is there and well, and tell how to put right what is not."""

    async def main(setting: Setting) -> int:
        from bot.doctor import doctor  # here: --help need not wait for SQLAlchemy

        return await doctor(setting.config, setting.output)

    _leave(context.obj, CHANNEL, as_json, main)


def _run(path: Path, channel: str, as_json: bool, work: Work, *, stays: bool = False) -> None:
    _leave(path, channel, as_json, lambda setting: _work(setting, work, stays=stays))


def _leave(path: Path, channel: str, as_json: bool, main: Main) -> None:
    """Ends the program with the exit code that `main` comes to."""
    make_output = JsonOutput if as_json else TextOutput
    try:
        config = read_config(path)
    except CoreError as error:
        make_output(Words("en")).error(error)
        raise typer.Exit(exit_code(error)) from None
    words = Words(config.language)
    setting = Setting(config, words, make_output(words), channel)
    _keep_log(config)
    try:
        code = asyncio.run(_until_told(main(setting)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        # At once: a thread may still be reading standard input, and cannot be told to stop.
        sys.stdout.flush()
        os._exit(130)
    except BrokenPipeError:  # as in `tubethread videos | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    raise typer.Exit(code)


async def _until_told(main: Coroutine[Any, Any, int]) -> int:
    """SIGTERM ends it as Ctrl-C does: what is open is closed."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await main


async def _work(setting: Setting, work: Work, *, stays: bool) -> int:
    outcome = Outcome(setting.output)
    with outcome.telling():
        from core.bootstrap import open_core  # here: --help need not wait for SQLAlchemy

        async with open_core(setting.config, stays=stays) as core:
            await work(setting, Handlers(core, outcome, setting.channel))
    return outcome.exit_code


def _keep_log(config: Config) -> None:
    """What went wrong inside is for the log alone: nothing of it belongs on the screen."""
    logging.raiseExceptions = False
    handler = RotatingFileHandler(
        config.data_dir / LOG_FILE, maxBytes=5_000_000, backupCount=1, delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    threading.excepthook = _log_thread
    for name in ("httpx", "httpcore", "alembic"):  # the first two log addresses with tokens
        logging.getLogger(name).setLevel(logging.WARNING)


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    logging.getLogger(__name__).error("in a thread", exc_info=failed.exc_value)
