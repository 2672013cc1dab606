"""The output of `--json`: one flat object a line, named by `event`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from bot.rendering.checks import describe_check
from bot.rendering.errors import describe_error
from bot.words import Words
from core.model import (
    Answer,
    Check,
    EndedJob,
    Job,
    Place,
    Point,
    Progress,
    Proof,
    Ready,
    SearchResult,
    Segment,
    Video,
)
from core.text.display import to_json

Event = dict[str, object]


def line(event: Event) -> str:
    """The event as one printable line: control characters are escaped, Korean is not."""
    return to_json(event)


def progress_event(progress: Progress) -> Event:
    """`note` is left out if empty."""
    event = {"event": "progress"} | asdict(progress)
    if not progress.note:
        del event["note"]
    return event


def ready_event(ready: Ready) -> Event:
    summary, transcript = ready.summary, ready.transcript
    chapters = [
        {
            "title": chapter.title,
            "start_s": _ms(chapter.start_s),
            "end_s": _ms(chapter.end_s),
            "points": _points(chapter.points),
        }
        for chapter in summary.chapters
    ]
    return {
        "event": "ready",
        "video": _video(ready.video),
        "transcript": {
            "language": transcript.language,
            "source": transcript.source,
            "segments": [_segment(segment) for segment in transcript.segments],
        },
        "summary": {
            "topic": summary.topic,
            "points": _points(summary.points),
            "chapters": chapters,
            "hashtags": list(summary.hashtags),
            "questions": list(summary.questions),
            "language": summary.language,
            "covered_s": _ms(summary.covered_s),
            "engine": summary.engine,
        },
        "notes": list(ready.notes),
    }


def error_event(error: Exception, words: Words) -> Event:
    return {"event": "error"} | asdict(describe_error(error, words))


def text_event(delta: str) -> Event:
    return {"event": "text", "delta": delta}


def answer_event(answer: Answer) -> Event:
    citations = [
        asdict(citation) | {"start_s": _ms(citation.start_s), "end_s": _ms(citation.end_s)}
        for citation in answer.citations
    ]
    return {
        "event": "answer",
        "question": answer.question,
        "text": answer.text,
        "citations": citations,
        "questions": list(answer.questions),
        "grounded": answer.grounded,
        "grounding": answer.grounding,
        "engine": answer.engine,
        "timings": asdict(answer.timings),
        "notes": list(answer.notes),
    }


def proof_event(proof: Proof) -> Event:
    places = [
        {
            "n": place.citation.n,
            "video_id": place.video.id,
            "title": place.video.title,
            "start_s": _ms(place.citation.start_s),
            "end_s": _ms(place.citation.end_s),
            "before": place.before,
            "said": place.said,
            "after": place.after,
            "url": place.citation.url,
        }
        for place in proof.places
    ]
    return {"event": "proof", "question": proof.question, "places": places}


def hits_event(query: str, result: SearchResult) -> Event:
    """`hits`: sentences that say the words; `score` is the share of the words that they say.
    `nearest`: others near in meaning. `unsaid`: words that no sentence says."""
    return {
        "event": "hits",
        "query": query,
        "hits": [_place(place) for place in result.said],
        "nearest": [_place(place) for place in result.nearest],
        "unsaid": list(result.unsaid),
        "notes": list(result.notes),
    }


def videos_event(videos: Sequence[Video], pinned: Collection[str]) -> Event:
    listed = [_video(video) | {"pinned": video.id in pinned} for video in videos]
    return {"event": "videos", "videos": listed}


def pinned_event(video: Video, *, pinned: bool) -> Event:
    return {"event": "pinned", "video_id": video.id, "pinned": pinned}


def jobs_event(jobs: Sequence[Job]) -> Event:
    listed = [
        {"id": job.id, "video_id": job.order.video_id, "channel": job.order.channel}
        | asdict(job.progress)
        for job in jobs
    ]
    return {"event": "jobs", "jobs": listed}


def ended_event(job: EndedJob, words: Words) -> Event:
    """`error`: as in an `error` event, None for a job that is done."""
    error = None
    if isinstance(job.error, Exception):
        error = asdict(describe_error(job.error, words))
    return {
        "event": "ended",
        "id": job.id,
        "video_id": job.order.video_id,
        "channel": job.order.channel,
        "ordered_at": job.ordered_at.isoformat(),
        "ended_at": job.ended_at.isoformat(),
        "waited_s": job.waited_s,
        "error": error,
    }


def failed_event(jobs: Sequence[EndedJob], words: Words) -> Event:
    """Each job as in an `ended` event."""
    listed = [ended_event(job, words) for job in jobs]
    for job in listed:
        del job["event"]
    return {"event": "failed", "jobs": listed}


def cancelled_event(job_id: str) -> Event:
    return {"event": "cancelled", "job": job_id}


def forgotten_event(video_ids: Sequence[str]) -> Event:
    return {"event": "forgotten", "video_ids": list(video_ids)}


def forgotten_person_event(questions: int) -> Event:
    return {"event": "forgotten_person", "questions": questions}


def backup_event(name: str, size: int) -> Event:
    return {"event": "backup", "file": name, "bytes": size}


def restore_event(name: str, kept: str) -> Event:
    """`kept`: the file in the data folder with the previous store, or empty."""
    return {"event": "restore", "file": name, "kept": kept}


def checks_event(checks: Sequence[Check], words: Words) -> Event:
    """`name` and `status` are the same in every language; `detail` and `fix` are texts."""
    described = [asdict(describe_check(check, words)) for check in checks]
    return {"event": "checks", "checks": described}


def _video(video: Video) -> Event:
    return {
        "id": video.id,
        "title": video.title,
        "url": video.url,
        "duration_s": _ms(video.duration_s),
        "channel_name": video.channel_name,
        "hashtags": list(video.hashtags),
    }


def _place(place: Place) -> Event:
    start_s = place.segments[0].start_s
    return {
        "video_id": place.video.id,
        "title": place.video.title,
        "start_s": _ms(start_s),
        "end_s": _ms(place.segments[-1].end_s),
        "text": place.text,
        "score": round(place.nearness, 6),
        "url": place.video.url_at(start_s),
    }


def _segment(segment: Segment) -> Event:
    start_s, end_s = _ms(segment.start_s), _ms(segment.end_s)
    return {"start_s": start_s, "end_s": end_s, "text": segment.text}


def _points(points: Sequence[Point]) -> list[Event]:
    return [{"text": point.text, "start_s": _ms(point.start_s)} for point in points]


def _ms(seconds: float) -> float:
    """Seconds rounded to the millisecond."""
    return round(seconds, 3)
