"""This file tells which conversation goes on where there is no thread: which video a private chat
talks about is the one talked about last.
"""

from __future__ import annotations

from bot.chat import Where
from bot.handlers.context import HandlerContext
from core.chat_records import PlaceBinding, Request


async def turn_to(context: HandlerContext, request: Request, room: PlaceBinding) -> None:
    """What is said next in the chat is about that video, and goes on with that conversation. Only
    where the chat itself is as near to a thread as it gets."""
    platform, place = request.origin.platform, request.origin.place
    is_private = bool(room.video_id) and not request.origin.server
    if is_private and await context.bindings.find(platform, place):
        await context.bindings.bind(platform, place, "", room)


def apart(where: Where, video_id: str) -> PlaceBinding:
    """The conversation about one video in a place that is about others too, or with "" about all of
    them."""
    return PlaceBinding(where.channel, video_id, f"{where.place} {video_id}".strip())
