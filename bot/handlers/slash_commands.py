"""This file follows the commands of chat platforms. What it returns, only the person sees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from bot.chat import Command, Draft, File, Where
from bot.handlers.autocomplete import pending
from bot.handlers.context import HandlerContext
from bot.handlers.policy import Policy
from bot.handlers.private_chats import apart
from bot.handlers.requests import RequestRunner
from bot.rendering.chat_messages import MessageRenderer
from bot.rendering.export import exported
from bot.rendering.phrases import export_labels
from core.chat_records import ChatSettings, PlaceBinding, WatchRequest
from core.errors import NotALink, UnknownJob, UnknownVideo
from core.export.formats import Format
from core.links import find_video_ids
from core.model import Job, Ready, Video

PAGE = 10
HITS = 5
_SWITCH = dict.fromkeys(("on", "yes", "true"), True) | dict.fromkeys(("off", "no", "false"), False)
_FORMATS: tuple[Format, ...] = get_args(Format)


class SlashCommands:
    """One platform's."""

    def __init__(self, context: HandlerContext, policy: Policy, work: RequestRunner) -> None:
        self._context = context
        self._policy = policy
        self._work = work

    async def follow(self, command: Command, renderer: MessageRenderer) -> Draft | None:
        """Raises any CoreError."""
        follow = {
            "watch": self._watch,
            "summarise": self._watch,
            "ask": self._ask,
            "search": self._search,
            "videos": self._videos,
            "summary": self._summary,
            "transcript": self._transcript,
            "chapters": self._chapters,
            "translate": self._translate,
            "language": self._language,
            "status": self._status,
            "cancel": self._cancel,
            "forget": self._forget,
            "settings": self._settings,
        }.get(command.name)
        return await follow(command, renderer) if follow else renderer.say("chat.help")

    async def look(
        self, what: str, where: Where, video_id: str, renderer: MessageRenderer
    ) -> Draft:
        """A video's transcript as a file, or its chapters. Raises UnknownVideo."""
        if what == "transcript":
            return await self._file(apart(where, video_id), "txt", renderer)
        return renderer.chapters(await self._ready(where.channel, video_id))

    async def _watch(self, command: Command, renderer: MessageRenderer) -> Draft | None:
        text = command.options.get("link", "") or command.text
        video_ids = find_video_ids(text)
        on, language = command.message_id, self._language_of(command)
        if video_ids:
            told = await self._work.watch(command, video_ids, message_id=on, language=language)
        elif command.file:
            told = await self._work.take_in(command, command.file, message_id=on, language=language)
        else:
            raise NotALink(text[:200])
        return told or renderer.say("chat.begun")

    async def _ask(self, command: Command, renderer: MessageRenderer) -> Draft | None:
        where = command.where
        room = PlaceBinding(where.channel, "", where.place)
        scope = command.options.get("scope")
        found = await self._room(command) if scope in ("video", "here") else None
        if found is None and scope == "video":
            return renderer.say("chat.no_video_here")
        if found:
            room = found
        else:
            await self._context.core.newest(where.channel)  # NothingToAsk before anybody waits
        question = command.options.get("question", "")
        told = await self._work.ask(command, question, room, show=True)
        return told or renderer.say("chat.begun")

    async def _search(self, command: Command, renderer: MessageRenderer) -> Draft:
        query = command.options.get("words", "")
        return renderer.hits(
            query, await self._context.core.search(query, command.where.channel, HITS)
        )

    async def _videos(self, command: Command, renderer: MessageRenderer) -> Draft:
        core, channel = self._context.core, command.where.channel
        pages = max(1, -(-await core.count_videos(channel) // PAGE))
        page = min(max(_number(command.options.get("page", "")), 1), pages)
        videos = await core.page_of_videos(channel, PAGE, (page - 1) * PAGE)
        return renderer.videos(videos, page, pages)

    async def _summary(self, command: Command, renderer: MessageRenderer) -> Draft | None:
        """For everybody: it is shown again where it was asked for."""
        video_id = await self._video(command)
        told = await self._work.watch(_here(command), [video_id], is_free=True)
        return told or renderer.say("chat.begun")

    async def _transcript(self, command: Command, renderer: MessageRenderer) -> Draft:
        form, room = command.options.get("format", "txt"), await self._room(command)
        video_id = await self._video(command)
        about = room if room and room.video_id == video_id else apart(command.where, video_id)
        return await self._file(about, form, renderer)

    async def _chapters(self, command: Command, renderer: MessageRenderer) -> Draft:
        return await self.look("chapters", command.where, await self._video(command), renderer)

    async def _translate(self, command: Command, renderer: MessageRenderer) -> Draft | None:
        """The summary, in another language, for everybody."""
        if not (language := self._language_of(command)):
            return self._no_language(renderer)
        if not await self._context.core.has_language_model():
            return renderer.say("chat.no_model")
        video_id = await self._video(command)
        told = await self._work.watch(_here(command), [video_id], language=language)
        return told or renderer.say("chat.begun")

    async def _language(self, command: Command, renderer: MessageRenderer) -> Draft:
        if not (language := self._language_of(command)):
            return self._no_language(renderer)
        return await self._set(command, ChatSettings(language=language), renderer)

    async def _status(self, command: Command, renderer: MessageRenderer) -> Draft:
        found = await pending(self._context, command.where.channel)
        titles = {video.id: video.title for _, video in found}
        return renderer.jobs([job for job, _ in found], titles)

    async def _cancel(self, command: Command, renderer: MessageRenderer) -> Draft:
        """One's own job; a moderator's also others'."""
        named, found = command.options.get("job", ""), await self._jobs(command)
        own = await self._own(command.author.id)
        if mine := [(job, video) for job, video in found if job.id in own]:
            found = mine
        elif not command.author.is_moderator:
            return renderer.say("chat.may_not")
        if len(found) > 1 and not named:  # none is cancelled by mistake
            raise UnknownJob("?")
        for job, _ in found:
            await self._context.core.cancel(job.id)
        _, video = found[0]
        return renderer.say("jobs.cancelled", job=video.title or video.id)

    async def _forget(self, command: Command, renderer: MessageRenderer) -> Draft:
        if not await self._policy.may(command.author, "forget", command.where):
            return renderer.say("chat.may_not")
        if not (video_id := await self._unwanted(command)):
            return renderer.say("chat.which_video")
        await self._work.abandon(command.where.channel, video_id)
        gone = await self._context.core.forget(command.where.channel, video_id)
        return renderer.say("videos.forgotten", count=len(gone))

    async def _settings(self, command: Command, renderer: MessageRenderer) -> Draft:
        told = command.options
        wanted = ChatSettings(
            links=_switch(told.get("links")),
            mention_only=_switch(told.get("mention_only")),
            watch=_who(told.get("who_watch")),
            ask=_who(told.get("who_ask")),
            forget=_who(told.get("who_forget")),
        )
        return await self._set(command, wanted, renderer, afresh=_switch(told.get("reset")) is True)

    def _language_of(self, command: Command) -> str:
        """The code of the language that was told, by code or by name; "" if we do not speak it."""
        told = command.options.get("language", "").strip().casefold()
        names = {
            name.casefold(): code
            for code in self._context.words
            for name in (
                code,
                *(words(f"chat.values.{code}") for words in self._context.words.values()),
            )
        }
        return names.get(told, "")

    def _no_language(self, renderer: MessageRenderer) -> Draft:
        names = [renderer.words(f"chat.values.{code}") for code in self._context.words]
        return renderer.say("chat.no_language", languages=", ".join(names))

    async def _set(
        self,
        command: Command,
        wanted: ChatSettings,
        renderer: MessageRenderer,
        *,
        afresh: bool = False,
    ) -> Draft:
        """What is set from now on; with nothing wanted, what is set. `afresh`: what was set there
        before is forgotten."""
        where = command.where
        if wanted != ChatSettings() or afresh:
            if not await self._policy.may(command.author, "set", where):
                return renderer.say("chat.may_not")
            for_server = command.options.get("for") == "server" and where.server
            scope = where.server if for_server else where.channel
            await self._policy.set(scope, wanted, afresh=afresh)
        return renderer.habits(await self._policy.habits(where))

    async def _file(self, about: PlaceBinding, form: str, renderer: MessageRenderer) -> Draft:
        """The video, with what was said about it in that conversation."""
        chosen: Format = next((known for known in _FORMATS if known == form), "txt")
        known_as = (about.channel, about.video_id, about.thread)
        text = await exported(self._context.core, *known_as, chosen, export_labels(renderer.words))
        return replace(renderer.say("chat.file"), file=File(f"{about.video_id}.{chosen}", text))

    async def _video(self, command: Command) -> str:
        """The one named, by id or title, else the one that the place is about, else the newest."""
        where, named = command.where, command.options.get("video", "").strip()
        [newest] = await self._context.core.newest(where.channel)
        if named:
            return (await self._named(where.channel, named))[0]
        room = await self._room(command)
        return room.video_id if room and room.video_id else newest.id

    async def _unwanted(self, command: Command) -> str:
        """The one named, also one that is still being taken in, else the one that the place is
        about, or "": none is forgotten by mistake."""
        where, named = command.where, command.options.get("video", "").strip()
        if not named:
            room = await self._room(command)
            return room.video_id if room else ""
        coming = [video for _, video in await pending(self._context, where.channel)]
        ids = set(await self._named(where.channel, named, coming))
        return ids.pop() if len(ids) == 1 else ""

    async def _named(self, channel: str, named: str, coming: Sequence[Video] = ()) -> list[str]:
        """The ids of at most two videos, by id or link, else by title, else by a part of it; also
        of videos that are `coming`. Raises UnknownVideo."""
        core, title = self._context.core, named.casefold()
        ids = (named, *find_video_ids(named))
        known = await core.videos_by_id(channel, ids)
        if found := [video.id for video in (*coming, *known) if video.id in ids]:
            return found
        titles = {video.id: video.title.casefold() for video in coming}
        whole = await core.find_titles(channel, title, 2, whole=True)
        if found := [v for v in titles if titles[v] == title] + list(whole):
            return found
        part = await core.find_titles(channel, title, 2)
        if found := [v for v in titles if title in titles[v]] + list(part):
            return found
        raise UnknownVideo(named)

    async def _room(self, command: Command) -> PlaceBinding | None:
        """What the message that it was given on is about, or else the place."""
        where, name = command.where, self._context.chat.name
        room = await self._context.bindings.find(name, where.place, command.message_id)
        linked = find_video_ids(command.text)
        if len(linked) == 1 and (room is None or room.video_id != linked[0]):
            return apart(where, linked[0])
        return room

    async def _ready(self, channel: str, video_id: str) -> Ready:
        video = await self._context.core.video(channel, video_id)
        transcript = await self._context.core.transcript(video_id)
        summary = await self._context.core.summary(video_id)
        if not (transcript and summary):
            raise UnknownVideo(video_id)
        return Ready(video, transcript, summary)

    async def _jobs(self, command: Command) -> list[tuple[Job, Video]]:
        """The channel's; of those named by id or by their video if one is named. Raises UnknownJob
        where there are none."""
        named = command.options.get("job", "")
        found = await pending(self._context, command.where.channel)
        wanted = [(job, video) for job, video in found if named in (job.id, video.id, "")]
        if not wanted:
            raise UnknownJob(named or "?")
        return wanted

    async def _own(self, person: str) -> set[str]:
        """The jobs that they asked for."""
        found = await self._context.requests.open(self._context.chat.name)
        return {
            request.job_id
            for request in found
            if isinstance(request, WatchRequest) and request.origin.person == person
        }


def _here(command: Command) -> Command:
    """No thread is opened for what is only shown again."""
    return replace(command, where=replace(command.where, is_thread=True))


def _switch(told: str | None) -> bool | None:
    """What is no switch sets nothing."""
    return _SWITCH.get((told or "").casefold())


def _who(told: str | None) -> str | None:
    return told if told in ("everyone", "moderators") else None


def _number(told: str) -> int:
    return int(told) if re.fullmatch("[0-9]{1,9}", told) else 1
