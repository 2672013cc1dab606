"""The command line: options and arguments of each command. exit_codes.py lists the exit codes."""

from __future__ import annotations

from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.commands import Commands, Outcome
from bot.cli.conversation import Conversation
from bot.cli.run_command import CommandContext, run_and_exit, run_with_core
from bot.cli.typed_lines import typed_lines
from bot.config import DEFAULT_PATH
from bot.rendering.phrases import export_labels

app = typer.Typer(
    help="Turn YouTube videos and media files into summaries and cited answers, on this machine.",
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


Channel = Annotated[
    str, typer.Option("--channel", metavar="NAME", help="The channel: a separate library.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Language = Annotated[
    SummaryLanguage | None, typer.Option("--language", help="The language of summaries.")
]
CHANNEL = "console"


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path, typer.Option("--config", metavar="PATH", help="The settings file.", show_default=True)
    ] = DEFAULT_PATH,
) -> None:
    """Turn YouTube videos and media files into summaries and cited answers, on this machine."""
    context.obj = config


@app.command()
def chat(
    context: typer.Context,
    source: Annotated[
        str | None, typer.Argument(metavar="[LINK or FILE]", help="The video to start with.")
    ] = None,
    channel: Channel = CHANNEL,
    language: Language = None,
    suggested: Annotated[
        bool, typer.Option("--suggested", help="Ask the suggested questions first.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Chat about videos: links and files are added, /proof shows the places behind the last answer,
    anything else is a question."""

    async def body(command: CommandContext, commands: Commands) -> None:
        conversation = Conversation(commands, language)
        if source is not None and not await conversation.ingest(source):
            return
        if suggested:
            await conversation.ask_suggested()
        command.output.hint("console.source" if source is None else "console.ask")
        async with aclosing(typed_lines("> ")) as lines:
            async for line in lines:
                await conversation.handle_line(line)

    run_with_core(context.obj, channel, as_json, body, stays=True, works=True)


@app.command()
def ingest(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="LINK or FILE...")],
    channel: Channel = CHANNEL,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Add videos: transcribe, summarise and index them."""

    async def body(command: CommandContext, commands: Commands) -> None:
        await commands.ingest(sources, language)

    run_with_core(context.obj, channel, as_json, body, works=True)


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument()],
    video: Annotated[
        str | None, typer.Option("--video", metavar="ID", help="Ask about this video only.")
    ] = None,
    channel: Channel = CHANNEL,
    thread: Annotated[
        str, typer.Option("--thread", metavar="NAME", help="Continue this conversation.")
    ] = "",
    language: Annotated[
        SummaryLanguage | None,
        typer.Option("--language", help="Of the answer, where the question does not tell."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a question about one video, or about all videos of the channel."""

    async def body(command: CommandContext, commands: Commands) -> None:
        await commands.ask(question, video, thread, language)

    run_with_core(context.obj, channel, as_json, body)


@app.command()
def search(
    context: typer.Context,
    queries: Annotated[list[str], typer.Argument(metavar="WORDS...")],
    channel: Channel = CHANNEL,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100, help="The maximum number of results.")
    ] = 10,
    as_json: Json = False,
) -> None:
    """Find where something is said."""

    async def body(command: CommandContext, commands: Commands) -> None:
        await commands.search(queries, limit)

    run_with_core(context.obj, channel, as_json, body)


@app.command()
def videos(context: typer.Context, channel: Channel = CHANNEL, as_json: Json = False) -> None:
    """List the channel's videos."""

    async def body(command: CommandContext, commands: Commands) -> None:
        await commands.videos(command.config.retention.days)

    run_with_core(context.obj, channel, as_json, body)


@app.command()
def jobs(
    context: typer.Context,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="Only this channel's jobs.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show changes until Ctrl-C is pressed.")
    ] = False,
    failed: Annotated[bool, typer.Option("--failed", help="List failed jobs and why.")] = False,
    days: Annotated[
        int, typer.Option("--days", min=1, max=30, help="How far --failed looks back.")
    ] = 7,
    as_json: Json = False,
) -> None:
    """List running and waiting jobs, or failed ones."""
    if watch and failed:
        raise typer.BadParameter("choose --watch or --failed")

    async def body(command: CommandContext, commands: Commands) -> None:
        if watch:
            await commands.watch_jobs(channel)
        elif failed:
            await commands.failed_jobs(channel, days)
        else:
            await commands.jobs(channel)

    run_with_core(context.obj, channel or CHANNEL, as_json, body)


@app.command()
def cancel(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB")],
    as_json: Json = False,
) -> None:
    """Cancel a job."""

    async def body(command: CommandContext, commands: Commands) -> None:
        await commands.cancel(job)

    run_with_core(context.obj, CHANNEL, as_json, body)


@app.command(name="run")
def run_platforms(
    context: typer.Context,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Don't work on jobs; another process does.")
    ] = False,
) -> None:
    """Run the bot on every chat platform that has a token, and work on jobs."""

    async def main(command: CommandContext) -> int:
        from bot.serve import serve  # here: importing SQLAlchemy would slow --help

        def begun(platform: str) -> None:
            command.output.hint("run.begun", platform=platform)

        def waits(platform: str) -> None:
            command.output.hint("run.waits", platform=platform)

        outcome = Outcome(command.output)
        with outcome.reporting_errors():
            await serve(command.config, works=not no_worker, on_serving=begun, on_waiting=waits)
        return outcome.exit_code

    run_and_exit(context.obj, CHANNEL, False, main)


@app.command()
def worker(context: typer.Context) -> None:
    """Work on jobs until stopped, without a chat platform."""

    async def main(command: CommandContext) -> int:
        from bot.serve import work  # here: importing SQLAlchemy would slow --help

        outcome = Outcome(command.output)
        with outcome.reporting_errors():
            await work(command.config, lambda: command.output.hint("jobs.working"))
        return outcome.exit_code

    run_and_exit(context.obj, CHANNEL, False, main)


@app.command()
def forget(
    context: typer.Context,
    video: Annotated[str | None, typer.Argument(metavar="[VIDEO]")] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="The channel to delete from.")
    ] = None,
    person: Annotated[
        str | None,
        typer.Option("--person", metavar="PLATFORM:ID", help="Whose questions to delete."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Delete a video from a channel, the whole channel with --channel alone, or what a person has
    asked in all channels with --person."""
    if (person is None) == (video is None and channel is None):
        raise typer.BadParameter(
            "name a VIDEO, a --channel to delete as a whole, or a --person, such as discord:42"
        )
    platform, _, person_id = (person or "").partition(":")
    if person and not (platform and person_id):
        raise typer.BadParameter("name the platform too: --person discord:42")

    async def body(command: CommandContext, commands: Commands) -> None:
        if person:
            await commands.forget_person(platform, person_id)
        else:
            await commands.forget(video)

    run_with_core(context.obj, channel or CHANNEL, as_json, body)


@app.command()
def pin(
    context: typer.Context,
    video: Annotated[str, typer.Argument()],
    channel: Channel = CHANNEL,
    as_json: Json = False,
) -> None:
    """Keep a video when old videos are deleted."""
    _pin(context, video, channel, as_json, pinned=True)


@app.command()
def unpin(
    context: typer.Context,
    video: Annotated[str, typer.Argument()],
    channel: Channel = CHANNEL,
    as_json: Json = False,
) -> None:
    """Let a pinned video be deleted when it is old."""
    _pin(context, video, channel, as_json, pinned=False)


def _pin(context: typer.Context, video: str, channel: str, as_json: bool, *, pinned: bool) -> None:
    async def body(command: CommandContext, commands: Commands) -> None:
        await commands.pin(video, pinned=pinned)

    run_with_core(context.obj, channel, as_json, body)


@app.command()
def export(
    context: typer.Context,
    video: Annotated[str, typer.Argument()],
    format: Annotated[Format, typer.Option("--format", help="The file format.")] = Format.md,
    target: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; default: standard output.")
    ] = None,
    channel: Channel = CHANNEL,
) -> None:
    """Export a video with its summary and conversation."""

    async def body(command: CommandContext, commands: Commands) -> None:
        labels = export_labels(command.words)
        await commands.export(video, format.value, labels, target)

    run_with_core(context.obj, channel, False, body)


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    as_json: Json = False,
) -> None:
    """Back up the database to a file, even while it is in use."""

    async def main(command: CommandContext) -> int:
        from bot.cli.backup import backup  # here: importing SQLAlchemy would slow --help

        return await backup(command.config, Outcome(command.output), file)

    run_and_exit(context.obj, CHANNEL, as_json, main)


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Default: the newest automatic backup."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Restore a backup, even while the database is in use. The previous database is kept."""

    async def main(command: CommandContext) -> int:
        from bot.cli.backup import restore  # here: importing SQLAlchemy would slow --help

        return await restore(command.config, Outcome(command.output), file)

    run_and_exit(context.obj, CHANNEL, as_json, main)


@app.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check the installation and show how to fix what fails."""

    async def main(command: CommandContext) -> int:
        from bot.cli.doctor import doctor  # here: importing SQLAlchemy would slow --help

        return await doctor(command.config, command.output)

    run_and_exit(context.obj, CHANNEL, as_json, main)


@app.command("eval", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def evaluate(context: typer.Context) -> None:
    """Measure answers of your own model or embedder on real texts (only in a clone).

    Examples: eval --url http://127.0.0.1:11434 --model qwen3:8b, or
    eval --embedder mine=BAAI/bge-m3. All options: tests/eval/README.md."""
    from bot.cli.evaluate import evaluate  # here: only this command starts a process

    raise typer.Exit(evaluate(context.args))
