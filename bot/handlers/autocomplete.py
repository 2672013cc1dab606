"""This file offers what an option of a command may become while somebody types it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Command
from bot.handlers.context import Desk
from core.model import Job, Video

SUGGESTIONS = 25
"""Discord's limit."""


async def suggestions(
    desk: Desk, command: Command, option: str, typed: str
) -> Sequence[tuple[str, str]]:
    """Labels and values, of this channel alone."""
    channel = command.where.channel
    if option == "language":
        words = desk.looks(command.author.language).words
        found = [(words(f"chat.values.{code}"), code) for code in desk.words]
    elif option == "job":
        found = [(video.title or video.id, job.id) for job, video in await pending(desk, channel)]
    else:
        videos = await desk.core.library.videos(channel)
        if command.name == "forget":
            videos = [*(video for _, video in await pending(desk, channel)), *videos]
        found = list(dict.fromkeys((video.title or video.id, video.id) for video in videos))
    wanted = typed.casefold().strip()
    return [pair for pair in found if wanted in pair[0].casefold()][:SUGGESTIONS]


async def pending(desk: Desk, channel: str) -> list[tuple[Job, Video]]:
    """The channel's jobs and their videos, as far as they are known."""
    jobs = await desk.core.pending(channel)
    ids = [job.order.video_id for job in jobs]
    videos = [await desk.core.videos.get(video_id) or Video(video_id, "") for video_id in ids]
    return list(zip(jobs, videos, strict=True))
