"""Values for an option of a command while somebody types it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Command
from bot.handlers.context import HandlerContext
from core.model import Job, Order, Video

ME = "me"
"""Names, in place of a video, what the author of `/forget` has asked."""
SUGGESTIONS = 25
"""Discord's limit."""


async def autocomplete(
    context: HandlerContext, command: Command, option: str, typed: str
) -> Sequence[tuple[str, str]]:
    """(label, value) pairs whose label contains what was typed, from the command's channel only."""
    channel = command.where.channel
    if option == "language":
        words = context.renderer(command.author.language).words
        found = [(words(f"chat.values.{code}"), code) for code in context.words]
    elif option == "job":
        jobs = await pending_jobs(context, channel)
        found = [(video.title or video.id, job.id) for job, video in jobs]
    else:
        known = await context.core.find_titles(channel, typed.strip(), SUGGESTIONS)
        found = [(title or video_id, video_id) for video_id, title in known.items()]
        if command.name == "forget":
            coming = [video for _, video in await pending_jobs(context, channel)]
            found = [*((video.title or video.id, video.id) for video in coming), *found]
            words = context.renderer(command.author.language).words
            found.append((words("chat.own_questions"), ME))
        found = list(dict.fromkeys(found))
    wanted = typed.casefold().strip()
    return [pair for pair in found if wanted in pair[0].casefold()][:SUGGESTIONS]


async def pending_jobs(context: HandlerContext, channel: str) -> list[tuple[Job, Video]]:
    """The channel's unfinished jobs with their videos; an unknown video has no title."""
    jobs = await context.core.pending(channel)
    return [(job, await _video(context, job.order)) for job in jobs]


async def _video(context: HandlerContext, order: Order) -> Video:
    known = await context.core.stored_video(order.channel, order.video_id)
    return (known or Video(order.video_id, "")).named(order.file_name)
