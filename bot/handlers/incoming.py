"""This file leads what people write, press and command through the core. What takes long goes on
in bot/handlers/requests.py and speaks through the outbox.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Command, Draft, Message, Person, Press, Where
from bot.handlers.autocomplete import suggestions
from bot.handlers.buttons import made
from bot.handlers.context import HandlerContext
from bot.handlers.error_boundary import catching
from bot.handlers.policy import Policy
from bot.handlers.private_chats import apart
from bot.handlers.requests import RequestRunner
from bot.handlers.slash_commands import SlashCommands
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import PlaceBinding, StoredButton
from core.links import find_video_ids
from core.text.display import one_line


class Handlers:
    """One platform's. Fulfils `Receiver`: every call returns soon and raises nothing."""

    def __init__(self, context: HandlerContext) -> None:
        self._context = context
        self._policy = Policy(context)
        self.work = RequestRunner(context, self._policy)
        self._commands = SlashCommands(context, self._policy, self.work)

    async def message(self, message: Message) -> None:
        with catching():
            if told := await self._hear(message):
                await self._context.outbox.post(
                    message.where.place, told, key=f"{message.id}:refused"
                )

    async def press(self, press: Press) -> Draft | None:
        renderer = await self._private_looks(press.where, press.author)
        with catching() as caught:
            return await self._pressed(press, renderer)
        return renderer.failed(caught.error) if caught.error else None

    async def command(self, command: Command) -> Draft | None:
        renderer = await self._private_looks(command.where, command.author)
        with catching() as caught:
            return await self._commands.follow(command, renderer)
        return renderer.failed(caught.error) if caught.error else None

    async def suggest(self, command: Command, option: str, typed: str) -> Sequence[tuple[str, str]]:
        with catching():
            return await suggestions(self._context, command, option, typed)
        return ()

    async def place_gone(self, place: str) -> None:
        """Nothing is left of a deleted channel. A deleted thread's channel keeps its videos."""
        with catching():
            await self._context.bindings.close(self._context.chat.name, place)
            await self._context.core.forget(f"{self._context.chat.name}:{place}")

    async def _hear(self, message: Message) -> Draft | None:
        """What a person wrote: links, or a question. What should be said about it, if anything."""
        where, platform = message.where, self._context.chat.name
        habits = await self._policy.habits(where)
        if message.file and message.is_to_bot:
            return await self.work.take_in(message, message.file, message_id=message.id)
        video_ids = find_video_ids(message.text)
        if video_ids and (habits.links or message.is_to_bot):
            return await self.work.watch(message, video_ids, message_id=message.id)
        room = await self._context.bindings.find(platform, where.place, message.reply_to)
        if not message.is_to_bot and (room is None or habits.mention_only):
            return None
        if not one_line(message.text):
            renderer = self._context.renderer(await self._policy.language(where, message.author))
            return renderer.say("chat.help") if message.is_to_bot else None
        room = room or PlaceBinding(where.channel, "", where.place)
        return await self.work.ask(message, message.text, room, show=False)

    async def _pressed(self, press: Press, renderer: MessageRenderer) -> Draft | None:
        button = await self._context.buttons.get(press.button_id)
        if button is None or button.channel != press.where.channel:
            return renderer.say("chat.unknown_button")
        if button.action == "ask":
            room = await self._room(press, button)
            return await self.work.ask(press, button.text, room, show=True)
        if button.action == "more":
            return await self._more(press, button, renderer)
        return await self._commands.look(button.action, press.where, button.video_id, renderer)

    async def _room(self, press: Press, button: StoredButton) -> PlaceBinding:
        """The conversation that the pressed message belongs to."""
        place = press.where.place
        room = await self._context.bindings.find(self._context.chat.name, place, press.message_id)
        if room and room.video_id == button.video_id:
            return room
        return apart(press.where, button.video_id)

    async def _more(
        self, press: Press, button: StoredButton, renderer: MessageRenderer
    ) -> Draft | None:
        """Three fresh questions, for everybody."""
        if not await self._policy.may(press.author, "ask", press.where):
            return renderer.say("chat.may_not")
        about, room = (button.channel, button.video_id), await self._room(press, button)
        questions = await self._context.core.more_questions(*about, room.thread)
        wanted = [StoredButton("", *about, "ask", text) for text in questions]
        buttons = await made(
            self._context, f"{self._context.chat.name}:{press.id}", wanted, questions
        )
        language = await self._policy.language(press.where, press.author)
        told = self._context.renderer(language).say("chat.more")
        draft = Draft(told.blocks, tuple(buttons), reply_to=press.message_id)
        place = press.where.place
        live = await self._context.outbox.post(place, draft, key=f"{press.id}:more")
        if room.thread != place and (message_id := await live.seen()):
            await self._context.bindings.bind(self._context.chat.name, place, message_id, room)
        return None

    async def _private_looks(self, where: Where, person: Person) -> MessageRenderer:
        with catching():
            return self._context.renderer(await self._policy.private_language(where, person))
        return self._context.renderer("")
