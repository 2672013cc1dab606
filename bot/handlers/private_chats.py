"""Which conversation continues where there are no threads. The last video of a private chat is the
one that its next message is about.
"""

from __future__ import annotations

from bot.chat import Where
from bot.handlers.context import HandlerContext
from core.chat_records import PlaceBinding, Request


async def switch_conversation(
    context: HandlerContext, request: Request, binding: PlaceBinding
) -> None:
    """Let the next message of a private chat continue this conversation about a video."""
    platform, place = request.origin.platform, request.origin.place
    is_private = bool(binding.video_id) and not request.origin.server
    if is_private and await context.bindings.find(platform, place):
        await context.bindings.bind(platform, place, "", binding)


def conversation_about(where: Where, video_id: str) -> PlaceBinding:
    """The conversation about one video, or "" for all, at a place that is not about it alone."""
    return PlaceBinding(where.channel, video_id, f"{where.place} {video_id}".strip())
