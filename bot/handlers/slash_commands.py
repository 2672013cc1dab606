"""Slash commands of the chat platforms. Only the author of a command sees what it returns."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

from bot.chat import Command, Draft, File, Where
from bot.handlers.autocomplete import ME, pending_jobs
from bot.handlers.context import HandlerContext
from bot.handlers.pin_commands import PinCommands
from bot.handlers.policy import PlaceRules, Policy
from bot.handlers.private_chats import conversation_about
from bot.handlers.proof_pages import ProofPage, show_proof
from bot.handlers.public_posts import PublicPosts, just_posted
from bot.handlers.requests import RequestRunner, summary_key
from bot.handlers.settings_commands import SettingsCommands, find_language, unknown_language
from bot.handlers.video_lookup import VideoLookup
from bot.rendering.chat_messages import MessageRenderer
from bot.rendering.export import exported
from bot.rendering.phrases import export_labels
from core.chat_records import PlaceBinding, WatchRequest
from core.errors import NotALink, UnknownJob
from core.export.formats import Format
from core.links import find_video_ids
from core.model import Job, Video

PAGE = 10
HITS = 5
_FORMATS: tuple[Format, ...] = get_args(Format)


class SlashCommands:
    """The slash commands of one platform."""

    def __init__(
        self,
        context: HandlerContext,
        policy: Policy,
        requests: RequestRunner,
        posts: PublicPosts,
    ) -> None:
        self._context = context
        self._requests = requests
        self._posts = posts
        self._settings = SettingsCommands(context, policy)
        self._lookup = VideoLookup(context)
        self._pins = PinCommands(context, self._lookup)

    async def run(self, command: Command, rules: PlaceRules) -> Draft | None:
        """Run a command and return its reply: the help for an unknown one. Raises any CoreError."""
        run = {
            "watch": self._watch,
            "summarise": self._watch,
            "ask": self._ask,
            "search": self._search,
            "videos": self._videos,
            "summary": self._summary,
            "transcript": self._transcript,
            "chapters": self._chapters,
            "proof": self._proof,
            "translate": self._translate,
            "language": self._settings.language,
            "status": self._status,
            "cancel": self._cancel,
            "forget": self._forget,
            "pin": self._pins.pin,
            "unpin": self._pins.unpin,
            "settings": self._settings.settings,
        }.get(command.name)
        return await run(command, rules) if run else self._renderer(rules).say("chat.help")

    async def show(
        self, what: str, where: Where, video_id: str, renderer: MessageRenderer
    ) -> Draft:
        """A video's "transcript" as a file, or its "chapters". Raises UnknownVideo."""
        if what == "transcript":
            return await self._export(conversation_about(where, video_id), "txt", renderer)
        return renderer.chapters(await self._lookup.ready(where.channel, video_id))

    async def _watch(self, command: Command, rules: PlaceRules) -> Draft | None:
        text = command.options.get("link", "") or command.text
        language = find_language(self._context, command)
        if video_ids := find_video_ids(text):
            refusal = await self._requests.watch(command, rules, video_ids, language=language)
        elif command.file:
            refusal = await self._requests.watch_file(
                command, rules, command.file, language=language
            )
        else:
            raise NotALink(text[:200])
        return refusal or self._renderer(rules).say("chat.begun")

    async def _ask(self, command: Command, rules: PlaceRules) -> Draft | None:
        where, scope = command.where, command.options.get("scope")
        about = await self._lookup.binding(command) if scope in ("video", "here") else None
        if about is None and scope == "video":
            return self._renderer(rules).say("chat.no_video_here")
        if about is None:
            about = PlaceBinding(where.channel, "", where.place)
            await self._context.core.newest(where.channel)  # raises NothingToAsk before any wait
        question = command.options.get("question", "")
        refusal = await self._requests.ask(command, rules, question, about, show=True)
        return refusal or self._renderer(rules).say("chat.begun")

    async def _search(self, command: Command, rules: PlaceRules) -> Draft:
        query = command.options.get("words", "")
        result = await self._context.core.search(query, command.where.channel, HITS)
        return self._renderer(rules).hits(query, result)

    async def _videos(self, command: Command, rules: PlaceRules) -> Draft:
        core, channel = self._context.core, command.where.channel
        pages = max(1, -(-await core.count_videos(channel) // PAGE))
        page = min(max(_number(command.options.get("page", "")), 1), pages)
        videos = await core.page_of_videos(channel, PAGE, (page - 1) * PAGE)
        pinned = await core.pinned(channel, [video.id for video in videos])
        days = self._context.config.retention.days
        return self._renderer(rules).videos(videos, page, pages, pinned, days)

    async def _summary(self, command: Command, rules: PlaceRules) -> Draft:
        """Show a summary again, for everybody at the place of the command."""
        video_id = await self._lookup.named_or_current(command)
        if last := self._posts.take(command.where, "summary", command.id):
            key = summary_key(self._context.chat.name, last)
            return just_posted(self._context, command.where, key, self._renderer(rules))
        await self._requests.show_summary(_without_thread(command), rules, video_id)
        return self._renderer(rules).say("chat.begun")

    async def _transcript(self, command: Command, rules: PlaceRules) -> Draft:
        form, binding = command.options.get("format", "txt"), await self._lookup.binding(command)
        video_id = await self._lookup.named_or_current(command)
        if binding is None or binding.video_id != video_id:
            binding = conversation_about(command.where, video_id)
        return await self._export(binding, form, self._renderer(rules))

    async def _chapters(self, command: Command, rules: PlaceRules) -> Draft:
        video_id = await self._lookup.named_or_current(command)
        return await self.show("chapters", command.where, video_id, self._renderer(rules))

    async def _proof(self, command: Command, rules: PlaceRules) -> Draft:
        """Show the author the places behind the conversation's last answer."""
        where = command.where
        about = await self._lookup.binding(command)
        about = about or PlaceBinding(where.channel, "", where.place)
        page = ProofPage(about.channel, about.video_id, about.thread)
        return await show_proof(self._context, page, command.id, self._renderer(rules))

    async def _translate(self, command: Command, rules: PlaceRules) -> Draft | None:
        """Show a summary in another language, for everybody at the place of the command."""
        renderer = self._renderer(rules)
        if not (language := find_language(self._context, command)):
            return unknown_language(self._context, renderer)
        if not await self._context.core.has_language_model():
            return renderer.say("chat.no_model")
        video_id = await self._lookup.named_or_current(command)
        refusal = await self._requests.watch(
            _without_thread(command), rules, [video_id], language=language
        )
        return refusal or renderer.say("chat.begun")

    async def _status(self, command: Command, rules: PlaceRules) -> Draft:
        found = await pending_jobs(self._context, command.where.channel)
        titles = {video.id: video.title for _, video in found}
        return self._renderer(rules).jobs([job for job, _ in found], titles)

    async def _cancel(self, command: Command, rules: PlaceRules) -> Draft:
        """Cancel the author's own jobs; for a moderator also those of others."""
        named, found = command.options.get("job", ""), await self._named_jobs(command)
        own = await self._own_job_ids(command.author.id)
        if own_found := [(job, video) for job, video in found if job.id in own]:
            found = own_found
        elif not command.author.is_moderator:
            return self._renderer(rules).say("chat.may_not")
        if len(found) > 1 and not named:  # without a name it is not clear which one is meant
            raise UnknownJob("?")
        for job, _ in found:
            await self._context.core.cancel(job.id)
        _, video = found[0]
        return self._renderer(rules).say("jobs.cancelled", job=video.title or video.id)

    async def _forget(self, command: Command, rules: PlaceRules) -> Draft:
        renderer = self._renderer(rules)
        if command.options.get("video", "").strip().casefold() == ME:
            person = command.author.id
            await self._requests.stop_questions(person)
            gone = await self._context.core.forget_person(self._context.chat.name, person)
            return self._with_copies(renderer.say("videos.forgotten_person", count=gone), renderer)
        if not rules.may_forget:
            return renderer.say("chat.may_not")
        if not (video_id := await self._lookup.to_forget(command)):
            return renderer.say("chat.which_video")
        await self._requests.abandon(command.where.channel, video_id)
        videos = await self._context.core.forget(command.where.channel, video_id)
        return self._with_copies(renderer.say("videos.forgotten", count=len(videos)), renderer)

    def _with_copies(self, draft: Draft, renderer: MessageRenderer) -> Draft:
        """Say where what was deleted is still kept, and for how long."""
        if not self._context.core.has_copies:
            return draft
        return replace(draft, blocks=(*draft.blocks, *renderer.say("videos.copies").blocks))

    async def _export(self, about: PlaceBinding, form: str, renderer: MessageRenderer) -> Draft:
        """A video's transcript with the conversation's answers, as a file."""
        chosen: Format = next((known for known in _FORMATS if known == form), "txt")
        conversation = (about.channel, about.video_id, about.thread)
        labels = export_labels(renderer.words)
        text = await exported(self._context.core, *conversation, chosen, labels)
        return replace(renderer.say("chat.file"), file=File(f"{about.video_id}.{chosen}", text))

    async def _named_jobs(self, command: Command) -> list[tuple[Job, Video]]:
        """The channel's pending jobs with the named id or video, or all if none is named.

        Raises UnknownJob if there are none."""
        named = command.options.get("job", "")
        found = await pending_jobs(self._context, command.where.channel)
        wanted = [(job, video) for job, video in found if named in (job.id, video.id, "")]
        if not wanted:
            raise UnknownJob(named or "?")
        return wanted

    async def _own_job_ids(self, person: str) -> set[str]:
        return {
            request.job_id
            for request in await self._context.requests.open(self._context.chat.name)
            if isinstance(request, WatchRequest) and request.origin.person == person
        }

    def _renderer(self, rules: PlaceRules) -> MessageRenderer:
        return self._context.renderer(rules.private_language)


def _without_thread(command: Command) -> Command:
    """Reply at the place itself: what is only shown again needs no thread."""
    return replace(command, where=replace(command.where, is_thread=True))


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else 1
