"""Results as plain text for a terminal.

Print it without markup: a title may look like markup.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from bot.rendering.errors import describe_error
from bot.rendering.phrases import (
    PINNED,
    covered,
    engine_text,
    export_labels,
    grounding_text,
    made_by,
    note_texts,
    quote_and_title,
    search_sections,
)
from bot.words import Words
from core.export.document import Plain, head, outline, reply
from core.model import Answer, Proof, Ready, SearchResult, Video
from core.text.display import clock, one_line


def render_error(error: Exception, words: Words) -> str:
    """What happened, and below it the next step."""
    text = describe_error(error, words)
    return f"{text.message}\n{text.hint}"


def render_ready(ready: Ready, words: Words) -> str:
    """The summary, the suggested questions by number, and how it was made."""
    video, summary, style = ready.video, ready.summary, Plain()
    about = [covered(ready, words), made_by(ready, words), *note_texts(ready.notes, words)]
    blocks = [head(video, style), *outline(video, summary, export_labels(words), style)]
    return "\n\n".join([*blocks, *_questions(summary.questions, words), "\n".join(about)])


def render_answer(
    answer: Answer, titles: Mapping[str, str], words: Words, *, streamed: bool = False
) -> str:
    """The answer with its sources and the next suggested questions.

    `titles`: of videos to name, by id. `streamed`: without its text, which is on the screen."""
    named = [
        replace(cited, quote=quote_and_title(cited.quote, titles.get(cited.video_id, "")))
        for cited in answer.citations
    ]
    answer = replace(answer, citations=tuple(named))
    text, *sources = reply(answer, export_labels(words), Plain())
    has_text = bool(answer.text.strip())
    about = [line] if (line := grounding_text(answer, words)) else []
    about += [engine_text(answer.engine, words)] if has_text else []
    about += note_texts(answer.notes, words)
    blocks = [] if streamed and has_text else [text]
    blocks += [*sources, "\n".join(about), *_questions(answer.questions, words)]
    return "\n\n".join(block for block in blocks if block)


def render_proof(proof: Proof, words: Words) -> str:
    """Each place behind an answer, with what is said around it."""
    blocks = [words("chat.proof", question=one_line(proof.question))]
    for place in proof.places:
        cited, title = place.citation, one_line(place.video.title)
        lines = [f"[{cited.n}] {clock(cited.start_s)}  {title}  {cited.url}"]
        said = (place.before, f"“{place.said}”", place.after)
        blocks.append("\n   ".join([*lines, *filter(None, map(one_line, said))]))
    return "\n\n".join(blocks)


def render_hits(query: str, result: SearchResult, words: Words) -> str:
    """Each sentence under its heading: its video and second, its link, and what is said there."""
    blocks, numbers = [], count(1)
    for heading, places in search_sections(query, result, words):
        blocks.append(heading)
        for place, n in zip(places, numbers, strict=False):
            start_s, title = place.segments[0].start_s, one_line(place.video.title)
            where = f"{n}. {title}  {clock(start_s)}  {place.video.url_at(start_s)}"
            blocks.append(f"{where}\n   {one_line(place.text)}")
    return "\n\n".join(blocks)


def render_videos(videos: Sequence[Video], pinned: Collection[str], words: Words) -> str:
    """One line for each video, its id first. `pinned`: ids."""
    if not videos:
        return words("videos.none")
    names = [
        " · ".join(filter(None, (PINNED if v.id in pinned else "", *map(one_line, _names(v)))))
        for v in videos
    ]
    lengths = [clock(video.duration_s) for video in videos]
    rows = zip(videos, lengths, names, strict=True)
    width = max(len(video.id) for video in videos)
    return "\n".join(f"{video.id:<{width}}  {length:>8}  {name}" for video, length, name in rows)


def _names(video: Video) -> tuple[str, str]:
    return video.title, video.channel_name


def _questions(questions: Sequence[str], words: Words) -> Iterator[str]:
    if questions:
        numbered = [f"{n}. {one_line(question)}" for n, question in enumerate(questions, 1)]
        yield "\n".join([words("labels.questions"), *numbered])
