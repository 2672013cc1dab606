"""This file leads what people write, press and command through the core. What takes long goes on
in bot/handlers/requests.py and speaks through the outbox.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Command, Draft, Message, Person, Press, Where
from bot.handlers.autocomplete import suggestions
from bot.handlers.buttons import made
from bot.handlers.context import Desk
from bot.handlers.error_boundary import catching
from bot.handlers.policy import Manners
from bot.handlers.private_chats import apart
from bot.handlers.requests import Work
from bot.handlers.slash_commands import Instructions
from bot.rendering.chat_messages import Looks
from core.chat_records import Pressable, Room
from core.links import find_video_ids
from core.text.display import one_line


class Handlers:
    """One platform's. Fulfils `Receiver`: every call returns soon and raises nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._manners = Manners(desk)
        self.work = Work(desk, self._manners)
        self._instructions = Instructions(desk, self._manners, self.work)

    async def message(self, message: Message) -> None:
        with catching():
            if told := await self._hear(message):
                await self._desk.outbox.post(message.where.place, told, key=f"{message.id}:refused")

    async def press(self, press: Press) -> Draft | None:
        looks = await self._private_looks(press.where, press.author)
        with catching() as caught:
            return await self._pressed(press, looks)
        return looks.failed(caught.error) if caught.error else None

    async def command(self, command: Command) -> Draft | None:
        looks = await self._private_looks(command.where, command.author)
        with catching() as caught:
            return await self._instructions.follow(command, looks)
        return looks.failed(caught.error) if caught.error else None

    async def suggest(self, command: Command, option: str, typed: str) -> Sequence[tuple[str, str]]:
        with catching():
            return await suggestions(self._desk, command, option, typed)
        return ()

    async def place_gone(self, place: str) -> None:
        """Nothing is left of a deleted channel. A deleted thread's channel keeps its videos."""
        with catching():
            await self._desk.rooms.close(self._desk.chat.name, place)
            await self._desk.core.forget(f"{self._desk.chat.name}:{place}")

    async def _hear(self, message: Message) -> Draft | None:
        """What a person wrote: links, or a question. What should be said about it, if anything."""
        where, platform = message.where, self._desk.chat.name
        habits = await self._manners.habits(where)
        if message.file and message.to_us:
            return await self.work.take_in(message, message.file, message_id=message.id)
        video_ids = find_video_ids(message.text)
        if video_ids and (habits.links or message.to_us):
            return await self.work.watch(message, video_ids, message_id=message.id)
        room = await self._desk.rooms.find(platform, where.place, message.reply_to)
        if not message.to_us and (room is None or habits.mention_only):
            return None
        if not one_line(message.text):
            looks = self._desk.looks(await self._manners.language(where, message.author))
            return looks.say("chat.help") if message.to_us else None
        room = room or Room(where.channel, "", where.place)
        return await self.work.ask(message, message.text, room, show=False)

    async def _pressed(self, press: Press, looks: Looks) -> Draft | None:
        button = await self._desk.buttons.get(press.button_id)
        if button is None or button.channel != press.where.channel:
            return looks.say("chat.unknown_button")
        if button.action == "ask":
            room = await self._room(press, button)
            return await self.work.ask(press, button.text, room, show=True)
        if button.action == "more":
            return await self._more(press, button, looks)
        return await self._instructions.look(button.action, press.where, button.video_id, looks)

    async def _room(self, press: Press, button: Pressable) -> Room:
        """The conversation that the pressed message belongs to."""
        place = press.where.place
        room = await self._desk.rooms.find(self._desk.chat.name, place, press.message_id)
        if room and room.video_id == button.video_id:
            return room
        return apart(press.where, button.video_id)

    async def _more(self, press: Press, button: Pressable, looks: Looks) -> Draft | None:
        """Three fresh questions, for everybody."""
        if not await self._manners.may(press.author, "ask", press.where):
            return looks.say("chat.may_not")
        about, room = (button.channel, button.video_id), await self._room(press, button)
        questions = await self._desk.core.more_questions(*about, room.thread)
        wanted = [Pressable("", *about, "ask", text) for text in questions]
        buttons = await made(self._desk, f"{self._desk.chat.name}:{press.id}", wanted, questions)
        language = await self._manners.language(press.where, press.author)
        told = self._desk.looks(language).say("chat.more")
        draft = Draft(told.blocks, tuple(buttons), reply_to=press.message_id)
        place = press.where.place
        live = await self._desk.outbox.post(place, draft, key=f"{press.id}:more")
        if room.thread != place and (message_id := await live.seen()):
            await self._desk.rooms.bind(self._desk.chat.name, place, message_id, room)
        return None

    async def _private_looks(self, where: Where, person: Person) -> Looks:
        with catching():
            return self._desk.looks(await self._manners.private_language(where, person))
        return self._desk.looks("")
