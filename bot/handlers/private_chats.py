"""This file tells which conversation goes on where there is no thread: which video a private chat
talks about is the one talked about last.
"""

from __future__ import annotations

from bot.chat import Where
from bot.handlers.context import Desk
from core.chat_records import Request, Room


async def turn_to(desk: Desk, request: Request, room: Room) -> None:
    """What is said next in the chat is about that video, and goes on with that conversation. Only
    where the chat itself is as near to a thread as it gets."""
    platform, place = request.platform, request.place
    is_private = bool(room.video_id) and not request.server
    if is_private and await desk.rooms.find(platform, place):
        await desk.rooms.bind(platform, place, "", room)


def apart(where: Where, video_id: str) -> Room:
    """The conversation about one video in a place that is about others too, or with "" about all of
    them."""
    return Room(where.channel, video_id, f"{where.place} {video_id}".strip())
