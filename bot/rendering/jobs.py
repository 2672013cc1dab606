"""Jobs as lines for a terminal: what runs and waits, how one ended, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.rendering.errors import describe_error
from bot.rendering.phrases import render_progress
from bot.words import Words
from core.errors import JobCancelled
from core.model import EndedJob, Job, Order, Video
from core.text.display import one_line


def render_jobs(jobs: Sequence[Job], words: Words) -> str:
    """One line for each job, its id first."""
    width = max((len(job.order.video_id) for job in jobs), default=0)
    rows = [
        f"{job.id}  {job.order.video_id:<{width}}  {one_line(job.order.channel)}  "
        f"{render_progress(job.progress, words)}"
        for job in jobs
    ]
    return "\n".join(rows) or words("jobs.none")


def render_failed(
    jobs: Sequence[EndedJob], titles: Mapping[str, str], days: int, words: Words
) -> str:
    """For each job its time, place and video, then what happened and the next step; the newest
    last, next to the prompt. `titles`: by job id, of those that are known."""
    blocks = []
    for job in jobs:
        assert isinstance(job.error, Exception)
        text, title = describe_error(job.error, words), titles.get(job.id, "")
        head = f"{_time(job.ended_at)}  {one_line(job.order.channel)}  {named(job.order, title)}"
        blocks.append(f"{head}\n  {text.message}\n  {text.hint}")
    return "\n\n".join(blocks) or words("jobs.none_failed", days=days)


def ended_text(job: EndedJob, words: Words) -> str:
    """How it ended, in a few words."""
    if job.error is None:
        return words("jobs.done")
    if isinstance(job.error, JobCancelled):
        return words("jobs.stopped")
    assert isinstance(job.error, Exception)
    return words("jobs.failed", reason=describe_error(job.error, words).message)


def named(order: Order, title: str = "") -> str:
    """A video's title and where to find it."""
    video = Video(order.video_id, title)
    where = (order.file_name or video.id) if video.is_file else video.url
    return " · ".join(map(one_line, filter(None, (title if title != where else "", where))))


def _time(at: datetime) -> str:
    """In the time zone of this machine."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
