"""Show what an answer of a conversation rests on, in the speaker's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.model import Citation, CitedPlace, Proof, Segment, Turn, Video
from core.ports import Library, Threads, Videos

CONTEXT = 2
"""Sentences shown before and after the cited ones."""
_TURNS = 1000
"""How far back an answer is looked for."""


@dataclass(frozen=True, slots=True)
class ProofFinder:
    """Finds the places that a conversation's answers cite."""

    videos: Videos
    library: Library
    threads: Threads

    async def find(self, channel: str, thread: str, question: str = "") -> Proof | None:
        """Return the places of the newest answer that cites any, or of the newest to `question`;
        None if there are none."""
        turn = _newest(await self.threads.turns(channel, thread, _TURNS), question)
        citations = turn.answer.citations if turn else ()
        ids = list({citation.video_id for citation in citations})
        known = {video.id: video for video in await self.library.get_many(channel, ids)}
        spoken = {video_id: await self._segments(video_id) for video_id in known}
        places = tuple(
            _place(citation, known[citation.video_id], spoken[citation.video_id])
            for citation in citations
            if citation.video_id in known  # not forgotten meanwhile
        )
        return Proof(turn.question, places) if turn and places else None

    async def _segments(self, video_id: str) -> tuple[Segment, ...]:
        transcript = await self.videos.transcript(video_id)
        return transcript.segments if transcript else ()


def _newest(turns: Sequence[Turn], question: str) -> Turn | None:
    wanted = (turn for turn in reversed(turns) if question in ("", turn.question))
    return next((turn for turn in wanted if turn.answer.citations), None)


def _place(citation: Citation, video: Video, segments: Sequence[Segment]) -> CitedPlace:
    """Find the cited sentences by their times. A newer transcript may have other ones."""
    cited = [
        i
        for i, segment in enumerate(segments)
        if citation.start_s <= (segment.start_s + segment.end_s) / 2 <= citation.end_s
    ]
    if not cited:
        return CitedPlace(citation, video, said=citation.quote)
    first, last = cited[0], cited[-1]
    return CitedPlace(
        citation,
        video,
        said=_text(segments[first : last + 1]),
        before=_text(segments[max(first - CONTEXT, 0) : first]),
        after=_text(segments[last + 1 : last + 1 + CONTEXT]),
    )


def _text(segments: Sequence[Segment]) -> str:
    return " ".join(segment.text.strip() for segment in segments)
