"""Values as messages of a chat platform, within its limits and in its markup."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from bot.chat import Button, Card, Chat, Draft, File
from bot.rendering.errors import describe_error
from bot.rendering.phrases import (
    PINNED,
    covered,
    export_labels,
    grounding_text,
    made_by,
    note_texts,
    quote_and_title,
    render_progress,
    search_sections,
)
from bot.rendering.splitting import split
from bot.words import Words
from core.chat_records import ChatSettings
from core.export.document import Labels, outline
from core.model import (
    ELSEWHERE,
    Answer,
    CitedPlace,
    Job,
    Progress,
    Proof,
    Ready,
    SearchResult,
    Video,
)
from core.text.display import clock, one_line, shorten
from core.text.query_words import QueryWords

_BAR = 12
QUOTE_CHARACTERS = 120
TITLE_CHARACTERS = 100
"""Maximum length of a thread's title: Discord's limit, the lowest."""
LABEL_CHARACTERS = 150
"""Maximum length of a button's label. A platform may show less of it."""
ASKED_CHARACTERS = 500
JOBS = 10
NEAREST = 3
"""Sentences near in meaning below a search's own."""
_PAGE_LINE = 80
"""Room for "Page 1 of 2"."""


@dataclass(frozen=True, slots=True)
class MessageRenderer:
    """Makes the messages for one platform in one language."""

    chat: Chat  # borrowed
    words: Words

    def progress(self, video: Video, progress: Progress) -> Draft:
        """A progress bar, the stage and the time left, with the video's card."""
        filled = round(progress.fraction * _BAR)
        bar = "▰" * filled + "▱" * (_BAR - filled)
        return Draft(
            (f"{bar}\n{self._text(render_progress(progress, self.words))}",), card=card(video)
        )

    def finished(self, video: Video) -> Draft:
        return Draft((self._say("chat.finished"),), card=card(video))

    def failed(self, error: Exception, video: Video | None = None) -> Draft:
        """What happened, and the next step in a chat."""
        error_text = describe_error(error, self.words)
        lines = [
            self._chat_text(kind, error_text.code) or self.chat.style.text(general)
            for kind, general in (("messages", error_text.message), ("hints", error_text.hint))
        ]
        return Draft(("\n".join(lines),), card=card(video) if video else None)

    def title(self, video: Video | None) -> str:
        """The title of a video's thread. None: the video is not known yet."""
        own = one_line(video.title) if video else ""
        return shorten(own or self.words("chat.thread"), TITLE_CHARACTERS)

    def summary(self, ready: Ready, buttons: Sequence[Button]) -> list[Draft]:
        """The whole summary, in as many messages as it takes. The last one has the buttons."""
        video, summary = ready.video, ready.summary
        blocks = [*outline(video, summary, self._labels, self.chat.style), self._about(ready)]
        text = "\n\n".join(blocks)
        first = self._parts(text, self.chat.card_limit)[0]
        shown = replace(card(video), is_wide=True)
        drafts = [Draft((first,), card=shown), *self.text(text.strip()[len(first) :])]
        drafts[-1] = replace(drafts[-1], buttons=tuple(buttons))
        return drafts

    def answer(
        self, answer: Answer, titles: Mapping[str, str], buttons: Sequence[Button]
    ) -> list[Draft]:
        """`titles`: by video id, where readers can't tell which videos the answer is about."""
        drafts = self.text("\n\n".join(self._answer(answer, titles)))
        drafts[-1] = replace(drafts[-1], buttons=tuple(buttons))
        return drafts

    def growing(self, text: str) -> list[Draft]:
        """An answer while it is being written."""
        shown = Answer("", text, (), (), grounded=True, engine="")
        return self.text(self.chat.style.answer(shown))

    def proof(self, proof: Proof) -> list[Draft]:
        """The places behind an answer, with what is said around them; a page each message."""
        question = shorten(one_line(proof.question), ASKED_CHARACTERS)
        blocks = [self._say("chat.proof", question=question)]
        blocks += map(self._place, proof.places)
        pages = self._parts("\n\n".join(blocks), self.chat.text_limit - _PAGE_LINE)
        if len(pages) == 1:
            return [Draft((pages[0],))]
        return [
            Draft((page, self._say("chat.page", page=n, pages=len(pages))))
            for n, page in enumerate(pages, 1)
        ]

    def _place(self, place: CitedPlace) -> str:
        style, start_s = self.chat.style, place.citation.start_s
        name = shorten(_name(place.video), TITLE_CHARACTERS)
        marker = style.ours(f"[{place.citation.n}]")
        lines = [f"{marker} {style.at(start_s, place.video.url_at(start_s), name)}"]
        lines += [style.text(place.before)] if place.before else []
        lines.append(style.strong(f"“{one_line(place.said)}”"))
        lines += [style.text(place.after)] if place.after else []
        return "\n".join(lines)

    def text(self, text: str) -> list[Draft]:
        """Split `text`, which is in the platform's markup, into messages that fit."""
        return [Draft((part,)) for part in self._parts(text, self.chat.text_limit)]

    def asked(self, name: str, question: str) -> Draft:
        """Repeat a question asked by a button or a command, so that others see what is answered."""
        name, question = shorten(one_line(name), 40), shorten(one_line(question), ASKED_CHARACTERS)
        return self.say("chat.asked", name=name, question=question)

    def say(self, key: str, **facts: object) -> Draft:
        """A text of the locale as a message."""
        return self.text(self._say(key, **facts))[0]

    def hits(self, query: str, result: SearchResult) -> Draft:
        """The sentences that say the words and, under their own name, the nearest in meaning."""
        searched = QueryWords.of(query)
        nearest = result.nearest[:NEAREST]
        sections = search_sections(
            shorten(one_line(query), QUOTE_CHARACTERS), replace(result, nearest=nearest), self.words
        )

        def lines(most: int) -> Iterator[str]:
            for heading, places in sections:
                yield self._text(heading)
                for place in places:
                    start_s, title = place.segments[0].start_s, shorten(_name(place.video), most)
                    words = f"{title}: {searched.excerpt(one_line(place.text), most)}"
                    yield f"• {self.chat.style.at(start_s, place.video.url_at(start_s), words)}"

        return self._list_message(lines)

    def videos(
        self,
        videos: Sequence[Video],
        page: int,
        pages: int,
        pinned: Collection[str] = (),
        days: int = 0,
    ) -> Draft:
        """`pinned`: ids. `days`: after which the others are deleted, 0 for never."""
        if not videos:
            return self.say("chat.no_videos")

        def lines(most: int) -> Iterator[str]:
            for video in videos:
                name = f"{shorten(_name(video), most)} ({clock(video.duration_s)})"
                mark = PINNED if video.id in pinned else "•"
                yield f"{mark} {self.chat.style.at(0, video.url, name)}"
            if days:
                yield self._say("videos.kept", days=days)
            if pages > 1:
                yield self._say("chat.page", page=page, pages=pages)

        return self._list_message(lines)

    def jobs(self, jobs: Sequence[Job], titles: Mapping[str, str]) -> Draft:
        """The oldest jobs, and how many more there are."""
        if not jobs:
            return self.say("jobs.none")

        def lines(most: int) -> Iterator[str]:
            for job in jobs[:JOBS]:
                title = shorten(one_line(titles.get(job.order.video_id, "")), most)
                progress = render_progress(job.progress, self.words)
                yield self._text(f"• {title or job.order.video_id}: {progress}")
            if len(jobs) > JOBS:
                yield self._say("chat.more_jobs", count=len(jobs) - JOBS)

        return self._list_message(lines)

    def habits(self, habits: ChatSettings) -> Draft:
        """A channel's settings."""
        lines = [
            self._say(f"chat.habits.{name}", value=self.words(f"chat.values.{_value(value)}"))
            for name, value in asdict(habits).items()
        ]
        return self.text("\n".join(lines))[0]

    def chapters(self, ready: Ready) -> Draft:
        video = ready.video
        if not ready.summary.chapters:
            return self.say("chat.no_chapters")
        lines = [
            self.chat.style.at(c.start_s, video.url_at(c.start_s), c.title)
            for c in ready.summary.chapters
        ]
        first, *more = self._parts("\n".join(lines), self.chat.card_limit)
        if more:
            text = "\n".join(f"{clock(c.start_s)} {c.title}" for c in ready.summary.chapters)
            return Draft((first,), file=File(f"{video.id}-chapters.txt", text), card=card(video))
        return Draft((first,), card=card(video))

    def _answer(self, answer: Answer, titles: Mapping[str, str]) -> Iterator[str]:
        style = self.chat.style
        first = [note for note in answer.notes if note == ELSEWHERE]
        yield from map(self._text, note_texts(first, self.words))
        if not one_line(answer.text):
            yield self._text(self._labels.not_in_video)
        else:
            yield style.answer(answer)
        if line := grounding_text(answer, self.words):
            yield self._text(line)
        lines = []
        if len(titles) == 1:
            [title] = titles.values()
            lines.append(self._say("chat.about", title=shorten(one_line(title), QUOTE_CHARACTERS)))
            titles = {}
        for citation in answer.citations:
            quote = quote_and_title(
                shorten(one_line(citation.quote), QUOTE_CHARACTERS),
                shorten(titles.get(citation.video_id, ""), QUOTE_CHARACTERS),
            )
            lines.append(style.source(replace(citation, quote=quote)))
        if lines:
            yield "\n".join(lines)
        if last := [note for note in answer.notes if note not in first]:
            yield "\n".join(map(self._text, note_texts(last, self.words)))

    def _about(self, ready: Ready) -> str:
        language = self._language(ready.transcript.language)
        lines = [
            covered(ready, self.words),
            made_by(ready, self.words),
            self.words("chat.languages", spoken=language),
            *note_texts(ready.notes, self.words),
        ]
        return "\n".join(map(self._text, lines))

    def _language(self, code: str) -> str:
        key = f"chat.values.{code}"
        return self.words(key) if key in self.words else code or "?"

    @property
    def _labels(self) -> Labels:
        return export_labels(self.words)

    def _chat_text(self, kind: str, name: str) -> str:
        """The text that replaces the general one in chats, in the platform's markup, or ""."""
        key = f"chat.{kind}.{name}"
        return self.chat.style.ours(self._fill(key)) if key in self.words else ""

    def _list_message(self, lines: Callable[[int], Iterable[str]]) -> Draft:
        """One message. `lines` gets a maximum length for names, halved until the message fits."""
        most = QUOTE_CHARACTERS
        while self.chat.length(text := "\n".join(lines(most))) > self.chat.text_limit:
            most //= 2
        return Draft((text,))

    def _say(self, key: str, **facts: object) -> str:
        lines = self._fill(key, **facts).split("\n")
        return "\n".join(map(self.chat.style.ours, lines))

    def _fill(self, key: str, **facts: object) -> str:
        """The text, with commands named as people type them on this platform. They can be pressed;
        nothing in a fact can."""
        commands = self.words.localised_commands() if self.chat.localised_commands else {}
        unlinked = self.chat.style.unlinked
        safe = {
            name: unlinked(fact) if isinstance(fact, str) else fact for name, fact in facts.items()
        }
        return self.words(key, **safe, **commands)

    def _text(self, text: str) -> str:
        return "\n".join(map(self.chat.style.text, text.split("\n")))

    def _parts(self, text: str, limit: int) -> list[str]:
        return split(text, limit, self.chat.length)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value or "ours")


def card(video: Video) -> Card:
    return Card(_name(video), video.url, video.thumbnail_url)


def _name(video: Video) -> str:
    return one_line(video.title) or video.id
