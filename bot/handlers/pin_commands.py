"""The commands /pin and /unpin."""

from __future__ import annotations

from bot.chat import Command, Draft
from bot.handlers.context import HandlerContext
from bot.handlers.policy import PlaceRules
from bot.handlers.video_lookup import VideoLookup


class PinCommands:
    """Choose which of a channel's videos stay when old ones are deleted."""

    def __init__(self, context: HandlerContext, lookup: VideoLookup) -> None:
        self._context, self._lookup = context, lookup

    async def pin(self, command: Command, rules: PlaceRules) -> Draft:
        return await self._set(command, rules, pinned=True)

    async def unpin(self, command: Command, rules: PlaceRules) -> Draft:
        return await self._set(command, rules, pinned=False)

    async def _set(self, command: Command, rules: PlaceRules, *, pinned: bool) -> Draft:
        """Unpinning deletes, sooner or later: it takes the same permission."""
        renderer = self._context.renderer(rules.private_language)
        if not rules.may_forget:
            return renderer.say("chat.may_not")
        if not (video_id := await self._lookup.to_forget(command)):
            return renderer.say("chat.which_video")
        video = await self._context.core.pin(command.where.channel, video_id, pinned=pinned)
        key = "videos.pinned" if pinned else "videos.unpinned"
        return renderer.say(key, title=video.title or video.id)
