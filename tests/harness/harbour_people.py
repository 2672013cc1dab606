"""What people do in tests/harness/canaries.py: all that the platforms offer, and what they should
not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from bot.chat import Command, Draft, Message, Person, Press, Where
from bot.discord_adapter.payloads import read_button_id as read_discord
from bot.handlers.incoming import Handlers
from bot.telegram_adapter.payloads import read_button_id as read_telegram
from tests.harness.canaries import CHANNELS, SHARED, Channel, Harbours, own_id, text_of
from tests.harness.scene import WORDS

UNKNOWN_BUTTON = WORDS["en"]("chat.unknown_button")
FORGED = (
    "", "tt:", "tt:x", "tt:' OR 1=1 --", "tt:../../x", "tt:" + "a" * 60, "tt:" + "a" * 200, "xx:ab",
    "tt:벌", "tt:ab\n", " tt:ab", "tt:0123456789abcdef01234567", "TT:ab", "tt:%00", "tt:ab cd",
)  # fmt: skip
FORMS = ("txt", "md", "srt", "vtt", "json", "exe")


@dataclass
class People:
    """Everybody in the world."""

    world: Harbours
    _ids: count[int] = field(default_factory=lambda: count(1))
    counts: dict[str, int] = field(default_factory=dict)

    async def act(self) -> None:
        """Let somebody do something, and look at what comes of it."""
        dice = self.world.dice
        channel = dice.choice(self.world.channels)
        who = Person(str(dice.randrange(200)), f"P{dice.randrange(9)}", dice.random() < 0.2)
        deeds = (
            *((self._ask, 8), (self._press, 8), (self._command, 8), (self._paste, 4)),
            *((self._suggest, 3), (self._foreign_press, 6), (self._forged_press, 4)),
            *((self._replay, 4), (self._foreign_video, 6), (self._rights, 4), (self._forget, 1)),
            *((self._gone, 0.3), (self._foreign_message, 4), (self._while_working, 2)),
        )
        names, weights = zip(*deeds, strict=True)
        deed: Callable[[Channel, Person], Awaitable[None]] = dice.choices(names, weights)[0]
        await deed(channel, who)
        self.counts[deed.__name__] = self.counts.get(deed.__name__, 0) + 1
        self.world.done += 1
        if self.world.done % 50 == 0:
            self.world.tidy()

    async def arrive(self, channel: Channel) -> None:
        """Paste the channel's own video."""
        await self._write(channel, f"https://youtu.be/{own_id(channel.number)}", _mod())

    def _id(self) -> str:
        return f"e{next(self._ids)}"

    def _place(self, channel: Channel) -> Where:
        """The channel, or one of its threads."""
        threads = [channel.where.place, *channel.threads]
        place = self.world.dice.choice(threads)
        return replace(channel.where, place=place, is_thread="/" in place)

    def _handlers(self, channel: Channel) -> Handlers:
        return self.world.handlers[channel.where.channel.partition(":")[0]]

    async def _write(
        self, channel: Channel, text: str, who: Person, where: Where | None = None, **more: object
    ) -> None:
        chat = self.world.chats[channel.where.channel.partition(":")[0]]
        known = len(chat.threads)
        message = Message(where or channel.where, self._id(), who, text, **more)  # type: ignore[arg-type]
        asks_for_own = own_id(channel.number) in text
        if asks_for_own and channel.may("watch", who):
            channel.has_video = True
        await self._handlers(channel).message(message)
        await self.world.settle(channel)
        channel.threads += [f"{one.place}/{one.id}" for one in chat.threads[known:]]
        self.world.check(channel, (), [text])

    async def _ask(self, channel: Channel, who: Person) -> None:
        word = f"ask{channel.number:02}q{self.world.dice.randrange(9)}"
        about = self.world.dice.choice(
            ("What is the secret word of the harbour", "Who crossed the sea", "How many boats")
        )
        other = self.world.dice.randrange(CHANNELS)
        prompts, is_to_bot = len(self.world.model.prompts), self.world.dice.random() < 0.7
        text = f"{about} for {word} in harbour {other}?"
        await self._write(channel, text, who, self._place(channel), is_to_bot=is_to_bot)
        self._must_be_silent(channel, "ask", who, prompts)

    async def _paste(self, channel: Channel, who: Person) -> None:
        video = self.world.dice.choice((own_id(channel.number), *SHARED))
        prompts = len(self.world.model.prompts)
        known = await self.world.core.knows(channel.where.channel, video)
        await self._write(channel, f"https://youtu.be/{video}", who)
        knows = await self.world.core.knows(channel.where.channel, video)
        assert knows == (known or channel.may("watch", who)), "pasted by one who may not"
        self._must_be_silent(channel, "watch", who, prompts)

    async def _press(self, channel: Channel, who: Person) -> None:
        if channel.buttons:
            button, _ = self.world.dice.choice(channel.buttons)
            press = Press(self._place(channel), self._id(), "m1", who, button)
            prompts = len(self.world.model.prompts)
            _, new = await self._pressed(channel, press)
            channel.presses += [press] if new else []
            self._must_be_silent(channel, "ask", who, prompts)

    async def _pressed(self, channel: Channel, press: Press) -> tuple[Draft | None, int]:
        draft = await self._handlers(channel).press(press)
        await self.world.settle(channel)
        if draft:
            channel.buttons += [(button.id, button.label) for button in draft.buttons]
        return draft, self.world.check(channel, [text_of(draft)] if draft else (), ())

    async def _foreign_press(self, channel: Channel, who: Person) -> None:
        """A button of another channel, also of the other platform."""
        other = self.world.dice.choice([one for one in self.world.channels if one is not channel])
        if other.buttons:
            button = self.world.dice.choice(other.buttons)[0]
            press = Press(self._place(channel), self._id(), "m1", who, button)
            await self._must_be_refused(channel, press)

    async def _forged_press(self, channel: Channel, who: Person) -> None:
        data = self.world.dice.choice(FORGED)
        read = read_discord if channel.where.channel.startswith("discord") else read_telegram
        if button := read(data):
            await self._must_be_refused(
                channel, Press(channel.where, self._id(), "m1", who, button)
            )
        else:
            self.world.refused += 1

    async def _must_be_refused(self, channel: Channel, press: Press) -> None:
        prompts = len(self.world.model.prompts)
        draft, new = await self._pressed(channel, press)
        assert draft is not None, f"taken: {press}"
        assert draft.text == UNKNOWN_BUTTON, f"taken: {press}, answered {draft}"
        assert (new, len(self.world.model.prompts)) == (0, prompts), f"acted on: {press}"
        self.world.refused += 1

    async def _replay(self, channel: Channel, who: Person) -> None:
        """An event that the platform, or somebody, delivers again."""
        if channel.presses:
            prompts = len(self.world.model.prompts)
            press = self.world.dice.choice(channel.presses)
            _, new = await self._pressed(channel, press)
            assert not new, f"delivered twice and answered twice: {press}"
            assert prompts == len(self.world.model.prompts)
            self.world.refused += 1

    async def _command(self, channel: Channel, who: Person) -> None:
        dice = self.world.dice
        name, options = dice.choice(
            (
                ("search", {"words": "secret word harbour"}),
                ("search", {"words": "sea"}),
                ("videos", {"page": str(dice.randrange(3))}),
                ("transcript", {"format": dice.choice(FORMS)}),
                *(("chapters", {}), ("proof", {}), ("status", {}), ("summary", {})),
                ("translate", {"language": "ko"}),
                ("ask", {"question": "What is the secret word?", "scope": "channel"}),
            )
        )
        await self._run(channel, Command(self._place(channel), self._id(), who, name, options))

    async def _foreign_video(self, channel: Channel, who: Person) -> None:
        """Name another channel's video wherever a command takes one."""
        dice = self.world.dice
        other = dice.choice([n for n in range(CHANNELS) if n != channel.number])
        named = dice.choice(
            (own_id(other), f"cnr{other:02}title", f"https://youtu.be/{own_id(other)}")
        )
        name = dice.choice(("transcript", "chapters", "summary", "translate", "forget", "cancel"))
        options = {"video": named, "job": named, "language": "en", "format": dice.choice(FORMS)}
        command = Command(self._place(channel), self._id(), who, name, options)
        await self._run(channel, command, [named])

    async def _foreign_message(self, channel: Channel, who: Person) -> None:
        """Use a command on a message that links another channel's video."""
        dice = self.world.dice
        other = dice.choice([n for n in range(CHANNELS) if n != channel.number])
        link = f"https://youtu.be/{own_id(other)}"
        name = dice.choice(("ask", "transcript", "chapters", "summary", "proof", "forget"))
        options = {"question": "What is the secret word of the harbour?", "scope": "video"}
        message = f"m{dice.randrange(900)}"
        where = self._place(channel)
        command = Command(where, self._id(), who, name, options, message_id=message, text=link)
        await self._run(channel, command, [link, own_id(other)])

    async def _while_working(self, channel: Channel, who: Person) -> None:
        """Look at what is under way, and try to cancel it, from another channel."""
        if channel.has_video:
            return
        busy, text = channel, f"https://youtu.be/{own_id(channel.number)}"
        busy.has_video = True
        await self._handlers(busy).message(Message(busy.where, self._id(), _mod(), text))
        await asyncio.sleep(2)
        assert await self.world.core.pending(busy.where.channel), "it works on it"
        other = self.world.dice.choice([one for one in self.world.channels if one is not channel])
        named = {"job": own_id(channel.number)}
        for name in ("cancel", "forget"):
            command = Command(other.where, self._id(), who, name, named)
            for option in ("job", "video"):
                pairs = await self._handlers(other).suggest(command, option, "")
                self.world.look(other, " ".join(map(" ".join, pairs)), ())
        for name in ("status", "cancel"):
            draft = await self._handlers(other).command(
                Command(other.where, self._id(), _mod(), name, named)
            )
            self.world.look(other, text_of(draft) if draft else "", named.values())
        await self.world.settle(busy)
        self.world.check(busy, ())
        assert await self.world.core.knows(busy.where.channel, own_id(busy.number)), "cancelled"

    async def _run(self, channel: Channel, command: Command, typed: Sequence[str] = ()) -> None:
        draft = await self._handlers(channel).command(command)
        await self.world.settle(channel)
        self.world.check(channel, [text_of(draft)] if draft else (), typed)
        if draft:
            channel.buttons += [(button.id, button.label) for button in draft.buttons]

    async def _suggest(self, channel: Channel, who: Person) -> None:
        dice = self.world.dice
        typed = dice.choice(("", "c", "harbour", f"cnr{dice.randrange(CHANNELS):02}"))
        name, option = dice.choice(
            (("transcript", "video"), ("forget", "video"), ("cancel", "job"))
        )
        command = Command(channel.where, self._id(), who, name, {option: typed})
        pairs = await self._handlers(channel).suggest(command, option, typed)
        self.world.check(channel, [" ".join(pair) for pair in pairs])

    async def _rights(self, channel: Channel, who: Person) -> None:
        """Take or give rights. Only a moderator's word counts, from the next action on."""
        who = replace(who, is_moderator=self.world.dice.random() < 0.7)
        wanted = {
            what: self.world.dice.choice(("everyone", "moderators"))
            for what in ("watch", "ask", "forget")
        }
        options = {f"who_{what}": value for what, value in wanted.items()}
        await self._run(channel, Command(channel.where, self._id(), who, "settings", options))
        if who.is_moderator:
            channel.rights = wanted
        guest = replace(who, id="guest", is_moderator=False)
        for deed in (self._paste, self._ask, self._forget):
            await deed(channel, guest)

    async def _forget(self, channel: Channel, who: Person) -> None:
        video = own_id(channel.number)
        options = {"video": video}
        command = Command(channel.where, self._id(), who, "forget", options)
        had = channel.has_video
        if channel.may("forget", who):
            channel.has_video = False
            channel.presses.clear()  # with what was posted, it is forgotten that it was
        await self._run(channel, command, [video, f"Harbour cnr{channel.number:02}title"])
        knows = await self.world.core.knows(channel.where.channel, video)
        assert knows == (had and not channel.may("forget", who))

    async def _gone(self, channel: Channel, who: Person) -> None:
        """The channel is deleted. One of the same name comes later."""
        await self._handlers(channel).place_gone(channel.where.place)
        channel.has_video = False
        assert await self.world.core.videos(channel.where.channel) == []
        for button, _ in channel.buttons[-3:]:
            await self._must_be_refused(
                channel, Press(channel.where, self._id(), "m1", who, button)
            )
        channel.threads.clear()
        channel.presses.clear()
        channel.rights = await self._rights_now(channel)

    async def _rights_now(self, channel: Channel) -> dict[str, str]:
        [kept] = await self.world.world.store.settings.get([channel.where.channel])
        every = {"watch": kept.watch, "ask": kept.ask, "forget": kept.forget}
        return {what: value for what, value in every.items() if value}

    def _must_be_silent(self, channel: Channel, what: str, who: Person, prompts: int) -> None:
        if not channel.may(what, who):
            assert len(self.world.model.prompts) == prompts, f"{who} may not {what}"
            self.world.refused += 1


def _mod() -> Person:
    return Person("0", "Mo", is_moderator=True)
