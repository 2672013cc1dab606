"""Entry point of a platform's events: messages, button presses, commands and autocompletion.

Long work continues in bot/handlers/requests.py, which replies through the outbox.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace

from bot.chat import Command, Draft, Message, Press, Where
from bot.handlers.autocomplete import autocomplete
from bot.handlers.buttons import create_buttons
from bot.handlers.context import HandlerContext
from bot.handlers.departures import Departures
from bot.handlers.error_boundary import error_boundary
from bot.handlers.policy import PlaceRules, Policy
from bot.handlers.private_chats import conversation_about
from bot.handlers.proof_pages import PROOF, ProofPage, show_proof
from bot.handlers.public_posts import PublicPosts, just_posted
from bot.handlers.requests import RequestRunner
from bot.handlers.retries import retry
from bot.handlers.slash_commands import SlashCommands
from core.chat_records import PlaceBinding, StoredButton
from core.links import find_video_ids, without_links
from core.text.display import one_line
from core.text.questions import is_question


class Handlers:
    """The handlers of one platform. Fulfils `Receiver`: calls return soon and raise nothing."""

    def __init__(self, context: HandlerContext) -> None:
        self._context = context
        self._policy = Policy(context)
        self.departures = Departures(context)
        self.requests = RequestRunner(context, self.departures)
        self._posts = PublicPosts()
        self._told_of_errors: set[str] = set()
        """Threads, until the store is back."""
        self._commands = SlashCommands(context, self._policy, self.requests, self._posts)

    async def message(self, message: Message) -> None:
        if not self._serves(message.where):
            return
        with error_boundary() as boundary:
            await self._reply_to(message)
        if boundary.error:
            self.requests.spawn(self._try_again(message))

    async def press(self, press: Press) -> Draft | None:
        renderer = self._context.renderer("")
        if not self._serves(press.where):
            return renderer.say("chat.not_served")
        with error_boundary() as boundary:
            rules = await self._policy.read(press)
            renderer = self._context.renderer(rules.private_language)
            return await self._handle_press(press, rules)
        return renderer.failed(boundary.error) if boundary.error else None

    async def command(self, command: Command) -> Draft | None:
        renderer = self._context.renderer("")
        if not self._serves(command.where):
            return renderer.say("chat.not_served")
        with error_boundary() as boundary:
            rules = await self._policy.read(command)
            renderer = self._context.renderer(rules.private_language)
            return await self._commands.run(command, rules)
        return renderer.failed(boundary.error) if boundary.error else None

    async def suggest(self, command: Command, option: str, typed: str) -> Sequence[tuple[str, str]]:
        if not self._serves(command.where):
            return ()
        with error_boundary():
            return await autocomplete(self._context, command, option, typed)
        return ()

    async def place_gone(self, place: str) -> None:
        """Forget a deleted channel. The videos of a deleted thread stay with its channel."""
        await self._sooner_or_later(lambda: self._forget(place))

    async def removed(self, server: str, places: Sequence[str]) -> None:
        await self._sooner_or_later(lambda: self.departures.leave(server, places))

    async def joined(self, server: str) -> None:
        await self._sooner_or_later(lambda: self.departures.join(server))

    async def is_in(self, servers: Collection[str]) -> None:
        await self._sooner_or_later(lambda: self.departures.meet(servers))

    async def _sooner_or_later(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work, in the background from its first failure on."""
        with error_boundary() as boundary:
            await work()
        if boundary.error:
            self.requests.spawn(retry(work, tries=math.inf, failures=1))

    def _serves(self, where: Where) -> bool:
        """Telegram's listener refuses chats itself."""
        return self._context.chat.name != "discord" or self._context.config.discord.serves(
            where.server
        )

    async def _forget(self, place: str) -> None:
        await self._context.bindings.close(self._context.chat.name, place)
        await self._context.core.forget(f"{self._context.chat.name}:{place}")

    async def _reply_to(self, message: Message) -> None:
        if reply := await self._handle_message(message):
            await self._context.outbox.post(message.where.place, reply, key=f"{message.id}:refused")
        self._told_of_errors.clear()

    async def _try_again(self, message: Message) -> None:
        error = await retry(lambda: self._reply_to(message), failures=1)
        place = message.where.place
        is_to_bot = message.is_to_bot or bool(find_video_ids(message.text))
        # Without the store nobody knows whether a thread is about a video: one reply for each.
        is_first = message.where.is_thread and place not in self._told_of_errors
        if error and (is_to_bot or is_first):
            self._told_of_errors.add(place)
            reply = self._context.renderer("").failed(error)
            self._context.outbox.post_unstored(
                place, replace(reply, reply_to=message.id), key=f"{message.id}:failed"
            )

    async def _handle_message(self, message: Message) -> Draft | None:
        """Return a reply to post, if any. Reads no settings for what is not meant for the bot."""
        if message.file and message.is_to_bot:
            rules = await self._policy.read(message)
            return await self.requests.watch_file(message, rules, message.file)
        if video_ids := find_video_ids(message.text):
            rules = await self._policy.read(message)
            if message.is_to_bot or rules.settings.links:
                told = await self.requests.watch(message, rules, video_ids)
                return await self._handle_words(message, rules, video_ids[0]) or told
            return await self._handle_text(message, rules)
        return await self._handle_text(message)

    async def _handle_words(
        self, message: Message, rules: PlaceRules, video_id: str
    ) -> Draft | None:
        """Answer a question beside links: about the video of the thread, else the first linked."""
        question, where = without_links(message.text), message.where
        is_meant = message.is_to_bot or not rules.settings.mention_only
        if not (is_meant and is_question(question)):
            return None
        if where.server or message.reply_to:  # a private chat is about its last video
            binding = await self._context.bindings.find(
                self._context.chat.name, where.place, message.reply_to
            )
            if binding and binding.video_id and not message.opens_thread:
                return await self.requests.ask(message, rules, question, binding, show=False)
        return await self.requests.ask_about_link(message, rules, question, video_id)

    async def _handle_text(self, message: Message, rules: PlaceRules | None = None) -> Draft | None:
        """Answer a question: a message to the bot, or any at a place that is about a video."""
        where, has_text = message.where, bool(one_line(message.text))
        if not (message.is_to_bot or has_text):
            return None
        binding = await self._context.bindings.find(
            self._context.chat.name, where.place, message.reply_to
        )
        if not message.is_to_bot and binding is None:
            return None
        rules = rules or await self._policy.read(message)
        if not message.is_to_bot and rules.settings.mention_only:
            return None
        if not has_text:
            return self._context.renderer(rules.language).say("chat.help")
        binding = binding or PlaceBinding(where.channel, "", where.place)
        return await self.requests.ask(message, rules, message.text, binding, show=False)

    async def _handle_press(self, press: Press, rules: PlaceRules) -> Draft | None:
        renderer = self._context.renderer(rules.private_language)
        button = await self._context.buttons.get(press.button_id)
        if button is None or button.channel != press.where.channel:
            return renderer.say("chat.unknown_button")
        if button.action == "ask":
            binding = await self._conversation(press, button)
            return await self.requests.ask(press, rules, button.text, binding, show=True)
        if button.action == PROOF:
            page = ProofPage.of(button)
            return await show_proof(self._context, page, press.id, renderer)
        if button.action == "more":
            last = rules.may_ask and self._posts.take(press.where, "more", press.id)
            if last:
                return just_posted(self._context, press.where, f"{last}:more", renderer)
            with self._posts.released_on_error(press.where, "more", press.id):
                return await self._show_more_questions(press, rules, button)
        return await self._commands.show(button.action, press.where, button.video_id, renderer)

    async def _conversation(self, press: Press, button: StoredButton) -> PlaceBinding:
        """The conversation that the pressed message belongs to."""
        place = press.where.place
        binding = await self._context.bindings.find(
            self._context.chat.name, place, press.message_id
        )
        if binding and binding.video_id == button.video_id:
            return binding
        return conversation_about(press.where, button.video_id)

    async def _show_more_questions(
        self, press: Press, rules: PlaceRules, button: StoredButton
    ) -> Draft | None:
        """Post three new suggested questions for everybody at the place."""
        if not rules.may_ask:
            return self._context.renderer(rules.private_language).say("chat.may_not")
        about, binding = (button.channel, button.video_id), await self._conversation(press, button)
        questions = await self._context.core.more_questions(*about, binding.thread, rules.language)
        wanted = [StoredButton("", *about, "ask", text) for text in questions]
        buttons = await create_buttons(
            self._context, f"{self._context.chat.name}:{press.id}", wanted, questions
        )
        heading = self._context.renderer(rules.language).say("chat.more")
        draft = Draft(heading.blocks, tuple(buttons), reply_to=press.message_id)
        place = press.where.place
        message = await self._context.outbox.post(place, draft, key=f"{press.id}:more")
        if binding.thread != place and (message_id := await message.delivered()):
            await self._context.bindings.bind(self._context.chat.name, place, message_id, binding)
        return None
