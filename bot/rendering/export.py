"""One video, with its summary and its conversation, as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import UnknownVideo
from core.export.document import Labels
from core.export.formats import Format, export

if TYPE_CHECKING:  # importing it takes too long for --help
    from core.pipeline.front import Pipeline

MAX_TURNS = 1000


async def exported(
    core: Pipeline, channel: str, video_id: str, thread: str, format: Format, labels: Labels
) -> str:
    """Export a video of the channel. Raises UnknownVideo."""
    video = await core.video(channel, video_id)
    transcript = await core.transcript(video_id)
    if transcript is None:
        raise UnknownVideo(video_id)
    summary = await core.summary(video_id)
    turns = await core.turns(channel, thread, MAX_TURNS)
    return export(video, transcript, summary, turns, format, labels)
