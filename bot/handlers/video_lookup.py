"""Find the video that a command means: by name, or by where the command was used."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Command
from bot.handlers.autocomplete import pending_jobs
from bot.handlers.context import HandlerContext
from bot.handlers.private_chats import conversation_about
from core.chat_records import PlaceBinding
from core.errors import UnknownVideo
from core.links import find_video_ids
from core.model import Ready, Video


class VideoLookup:
    """Looks up videos for one platform's commands."""

    def __init__(self, context: HandlerContext) -> None:
        self._context = context

    async def named_or_current(self, command: Command) -> str:
        """The id of the named video, else of the place's video, else of the channel's newest.

        Raises UnknownVideo also for the link in the command's message: to add its video to the
        channel takes a right, and a quota."""
        where, name = command.where, command.options.get("video", "").strip()
        [newest] = await self._context.core.newest(where.channel)
        if name:
            return (await self._named(where.channel, name))[0]
        binding = await self.binding(command)
        if binding is None or not binding.video_id:
            return newest.id
        if binding.video_id in find_video_ids(command.text):
            return (await self._context.core.video(where.channel, binding.video_id)).id
        return binding.video_id

    async def to_forget(self, command: Command) -> str:
        """The id of the named video, also of one still being processed, else of the place's video.
        "" if the name is ambiguous or nothing is named, so that none is deleted by mistake."""
        where, name = command.where, command.options.get("video", "").strip()
        if not name:
            binding = await self.binding(command)
            return binding.video_id if binding else ""
        coming = [video for _, video in await pending_jobs(self._context, where.channel)]
        ids = set(await self._named(where.channel, name, coming))
        return ids.pop() if len(ids) == 1 else ""

    async def binding(self, command: Command) -> PlaceBinding | None:
        """The conversation of the message that the command was used on, else of the place."""
        where, platform = command.where, self._context.chat.name
        binding = await self._context.bindings.find(platform, where.place, command.message_id)
        linked = find_video_ids(command.text)
        if len(linked) == 1 and (binding is None or binding.video_id != linked[0]):
            return conversation_about(where, linked[0])
        return binding

    async def ready(self, channel: str, video_id: str) -> Ready:
        """A video of the channel with its transcript and summary. Raises UnknownVideo."""
        video = await self._context.core.video(channel, video_id)
        transcript = await self._context.core.transcript(video_id)
        summary = await self._context.core.summary(video_id)
        if not (transcript and summary):
            raise UnknownVideo(video_id)
        return Ready(video, transcript, summary)

    async def _named(self, channel: str, name: str, coming: Sequence[Video] = ()) -> list[str]:
        """The ids of at most two videos with this id or link, else with this title, else with it in
        their title; also of videos that are `coming`. Raises UnknownVideo."""
        core, title = self._context.core, name.casefold()
        ids = (name, *find_video_ids(name))
        known = await core.videos_by_id(channel, ids)
        if found := [video.id for video in (*coming, *known) if video.id in ids]:
            return found
        titles = {video.id: video.title.casefold() for video in coming}
        whole = await core.find_titles(channel, title, 2, whole=True)
        if found := [v for v in titles if titles[v] == title] + list(whole):
            return found
        part = await core.find_titles(channel, title, 2)
        if found := [v for v in titles if title in titles[v]] + list(part):
            return found
        raise UnknownVideo(name)
