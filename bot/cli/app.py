"""This file is the command line: it reads options, opens the core, and leaves with an exit code.

0 done · 1 a check of doctor's failed · 2 the request or the video · 75 try again later
78 configuration · 130 stopped
"""

from __future__ import annotations

from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.commands import Commands, Outcome
from bot.cli.conversation import Conversation
from bot.cli.run_command import Setting, leave, run
from bot.cli.typed_lines import typed_lines
from bot.config import DEFAULT_PATH
from bot.rendering.descriptions import export_labels

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

    async def work(setting: Setting, commands: Commands) -> None:
        conversation = Conversation(commands)
        if source is not None and not await conversation.take_in(source):
            return
        if suggested:
            await conversation.ask_suggested()
        setting.output.hint("console.source" if source is None else "console.ask")
        async with aclosing(typed_lines("> ")) as lines:
            async for line in lines:
                await conversation.hear(line)

    run(context.obj, channel, as_json, work, stays=True, works=True)


@app.command()
def ingest(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="LINK or FILE...")],
    channel: Channel = CHANNEL,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Hear, sum up and index videos."""

    async def work(setting: Setting, commands: Commands) -> None:
        await commands.ingest(sources, language)

    run(context.obj, channel, as_json, work, works=True)


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

    async def work(setting: Setting, commands: Commands) -> None:
        await commands.ask(question, video, thread)

    run(context.obj, channel, as_json, work)


@app.command()
def search(
    context: typer.Context,
    queries: Annotated[list[str], typer.Argument(metavar="WORDS...")],
    channel: Channel = CHANNEL,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100)] = 10,
    as_json: Json = False,
) -> None:
    """Find where something is said."""

    async def work(setting: Setting, commands: Commands) -> None:
        await commands.search(queries, limit)

    run(context.obj, channel, as_json, work)


@app.command()
def videos(context: typer.Context, channel: Channel = CHANNEL, as_json: Json = False) -> None:
    """List the channel's videos."""

    async def work(setting: Setting, commands: Commands) -> None:
        await commands.videos()

    run(context.obj, channel, as_json, work)


@app.command()
def jobs(
    context: typer.Context,
    channel: Annotated[str | None, typer.Option("--channel", help="Else all.")] = None,
    as_json: Json = False,
) -> None:
    """List what is being worked on and what waits for it."""

    async def work(setting: Setting, commands: Commands) -> None:
        await commands.jobs(channel)

    run(context.obj, channel or CHANNEL, as_json, work)


@app.command()
def cancel(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB")],
    as_json: Json = False,
) -> None:
    """Stop a job."""

    async def work(setting: Setting, commands: Commands) -> None:
        await commands.cancel(job)

    run(context.obj, CHANNEL, as_json, work)


@app.command(name="run")
def run_platforms(
    context: typer.Context,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Another process works on the jobs.")
    ] = False,
) -> None:
    """Serve every chat platform that has a token, and work on jobs."""

    async def main(setting: Setting) -> int:
        from bot.serve import serve  # here: --help need not wait for SQLAlchemy

        def begun(platform: str) -> None:
            setting.output.hint("run.begun", platform=platform)

        outcome = Outcome(setting.output)
        with outcome.telling():
            await serve(setting.config, works=not no_worker, begun=begun)
        return outcome.exit_code

    leave(context.obj, CHANNEL, False, main)


@app.command()
def worker(context: typer.Context) -> None:
    """Work on jobs until it is stopped."""

    async def work(setting: Setting, commands: Commands) -> None:
        await commands.work()

    run(context.obj, CHANNEL, False, work, stays=True, works=True)


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

    async def work(setting: Setting, commands: Commands) -> None:
        await commands.forget(video)

    run(context.obj, channel or CHANNEL, as_json, work)


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

    async def work(setting: Setting, commands: Commands) -> None:
        labels = export_labels(setting.words)
        await commands.export(video, format.value, labels, target)

    run(context.obj, channel, False, work)


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    as_json: Json = False,
) -> None:
    """Copy the whole store into one file, also while others use it."""

    async def main(setting: Setting) -> int:
        from bot.cli.backup import backup  # here: --help need not wait for SQLAlchemy

        return await backup(setting.config, Outcome(setting.output), file)

    leave(context.obj, CHANNEL, as_json, main)


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
        from bot.cli.backup import restore  # here: --help need not wait for SQLAlchemy

        return await restore(setting.config, Outcome(setting.output), file)

    leave(context.obj, CHANNEL, as_json, main)


@app.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check that all is there and well, and tell how to put right what is not."""

    async def main(setting: Setting) -> int:
        from bot.cli.doctor import doctor  # here: --help need not wait for SQLAlchemy

        return await doctor(setting.config, setting.output)

    leave(context.obj, CHANNEL, as_json, main)
