"""Fifty channels on two platforms behind one core, a canary in each, and people who do anything.

Every channel has a video whose words, title and id hold `cnrNN`, where NN is the channel's number.
Some videos are in all channels. Questions hold `askNN`. The language model repeats its whole
prompt, so what reaches a prompt reaches the chat too.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.chat import Draft, Person, Press, Where
from bot.config import Config, Quotas
from bot.delivery.outbox import open_outbox
from bot.handlers.context import HandlerContext
from bot.handlers.incoming import Handlers
from core.language_model.prompts import SYSTEM
from core.model import Video
from core.pipeline.front import Pipeline
from core.ports import Prompt
from tests.fakes.chat import FakeChat
from tests.fakes.fetcher import FakeFetcher
from tests.fakes.store import records_of
from tests.harness.fake_core import FakeCore
from tests.harness.scene import SUMMARY, WORDS
from tests.harness.stories import StoryTranscriber

CHANNELS = 50
SHARED = ("shared00000", "shared11111", "shared22222")
CANARY = re.compile(r"(?i)(?:cnr|ask)(\d\d)\w*")
KEPT_MESSAGES = 300
PLENTY = 10**6


def own_id(n: int) -> str:
    return f"cnr{n:02}videoX"


def story(n: int) -> tuple[str, ...]:
    return (
        "Today we talk about a harbour.",
        f"The secret word of the harbour is cnr{n:02}word and nobody else has it.",
        f"Its keeper cnr{n:02}name counts ninety boats.",
    )


@dataclass
class Parrot:
    """`LanguageModel` that repeats all of its prompt but the fixed instructions."""

    name: str = "parrot"
    num_ctx: int = 16_384
    prompts: list[Prompt] = field(default_factory=list)

    def tokens(self, text: str) -> int:
        return len(text) // 4 + 1

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[str]:
        yield ". ".join(self._heard(prompt).split("\n"))

    async def complete(self, prompt: Prompt, *, schema: dict[str, Any], **_: Any) -> str:
        said = [line.partition("] ")[2] or line for line in self._heard(prompt).split("\n")]
        words = " ".join(said)[-300:]
        if "topic" not in schema["properties"]:
            return json.dumps({"questions": [f"{line[-100:]}?" for line in said[-3:]]})
        points = [{"text": line, "segment": 1} for line in said]
        return json.dumps({**SUMMARY, "topic": words, "points": points, "questions": [f"{words}?"]})

    def _heard(self, prompt: Prompt) -> str:
        self.prompts.append(prompt)
        return "\n".join(message.text for message in prompt if message.text != SYSTEM)


class Platform(FakeChat):
    """A platform. `new`: (place, draft) of all that it was given since it was last read."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.new: list[tuple[str, Draft]] = []

    async def post(self, place: str, draft: Draft, key: str) -> str:
        self.new.append((place, draft))
        return await super().post(place, draft, key)

    async def edit(self, place: str, message_id: str, draft: Draft) -> None:
        self.new.append((place, draft))
        await super().edit(place, message_id, draft)

    async def open_thread(self, place: str, message_id: str, title: str, key: str) -> str:
        self.new.append((place, Draft((title,))))
        return await super().open_thread(place, message_id, title, key)

    async def rename_thread(self, thread: str, title: str) -> None:
        self.new.append((thread, Draft((title,))))
        await super().rename_thread(thread, title)


class LogOfCanaries(logging.Handler):
    """Collects the log's lines that hold any canary: all channels share one log."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []
        self.lines = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += 1
        text = self.format(record)
        if CANARY.search(text):
            self.found.append(text)


@dataclass
class Channel:
    """`buttons`: their ids, as people have seen them. `asked_ids`: of events already delivered."""

    number: int
    where: Where
    has_video: bool = False
    threads: list[str] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    rights: dict[str, str] = field(default_factory=dict)

    def may(self, what: str, who: Person) -> bool:
        default = "moderators" if what == "forget" else "everyone"
        return who.is_moderator or self.rights.get(what, default) == "everyone"


@dataclass
class Harbours:
    """The world. Create it with `open_harbours`."""

    core: Pipeline
    model: Parrot
    world: FakeCore
    chats: dict[str, Platform]
    handlers: dict[str, Handlers]
    channels: list[Channel]
    log: LogOfCanaries
    dice: random.Random
    done: int = 0
    refused: int = 0
    read: int = 0
    prompts_read: int = 0
    _prompts: int = 0

    async def settle(self, channel: Channel) -> None:
        chat = self.chats[_platform(channel)]
        requests, entries = self.world.store.requests, self.world.store.outbox_entries

        async def is_busy() -> bool:
            unsent = await entries.unfinished(chat.name)
            return bool(await requests.open(chat.name)) or any(one.pending for one in unsent)

        while await is_busy():  # noqa: ASYNC110 – the store has no notifications
            await asyncio.sleep(0.5)

    def check(self, channel: Channel, private: Iterable[str], typed: Iterable[str] = ()) -> int:
        """Look at all that is new since the last check. Return how many messages are. `private`:
        texts that only the acting person sees. `typed`: what that person has written."""
        new = 0
        for name, chat in self.chats.items():
            for place, draft in chat.new:
                where = self._channel_of(name, place)
                self.look(where, text_of(draft), typed, f"in {name} {place}")
                where.buttons += [(button.id, button.label) for button in draft.buttons]
            new += len(chat.new)
            chat.new.clear()
            assert chat.offences == []
        for text in private:
            self.look(channel, text, typed, "privately")
        for prompt in self.model.prompts[self._prompts :]:
            text = "\n".join(message.text for message in prompt)
            self.look(channel, text, typed, "in a prompt")
        self.prompts_read += len(self.model.prompts) - self._prompts
        self._prompts = len(self.model.prompts)
        assert not self.log.found, f"the log tells {self.log.found[:2]}"
        self.read += new + len(list(private))
        return new

    def tidy(self) -> None:
        """Let go of old messages, which the fakes search from end to end."""
        self.model.prompts.clear()
        self._prompts = 0
        for chat in self.chats.values():
            del chat.messages[:-KEPT_MESSAGES], chat.threads[:-KEPT_MESSAGES]
        for channel in self.channels:
            del channel.buttons[:-60], channel.presses[:-20], channel.threads[:-10]

    def look(self, channel: Channel, text: str, typed: Iterable[str], where: str = "told") -> None:
        """Raise AssertionError if a text that the channel's people see holds what is not theirs."""
        for one in typed:
            text = text.replace(one, "")
        for found in CANARY.finditer(text.replace("\\", "")):
            is_own = int(found[1]) == channel.number
            is_known = channel.has_video or found[0].lower().startswith("ask")
            problem = f"{found[0]} {where} of channel {channel.number}: {text!r}"
            assert is_own, problem
            assert is_known, f"forgotten: {problem}"

    def _channel_of(self, platform: str, place: str) -> Channel:
        name = f"{platform}:{place.partition('/')[0]}"
        return next(one for one in self.channels if one.where.channel == name)


def text_of(draft: Draft) -> str:
    """All that a draft says."""
    card = f"{draft.card.title} {draft.card.url}" if draft.card else ""
    file = f"{draft.file.name} {draft.file.text}" if draft.file else ""
    return " ".join((draft.text, card, file, *(button.label for button in draft.buttons)))


def _platform(channel: Channel) -> str:
    return channel.where.channel.partition(":")[0]


@asynccontextmanager
async def open_harbours(folder: Path, seed: int) -> AsyncIterator[Harbours]:
    """Open the world with empty channels."""
    videos = [Video(own_id(n), f"Harbour cnr{n:02}title", duration_s=15.0) for n in range(CHANNELS)]
    videos += [Video(one, "A sea for all", duration_s=15.0) for one in SHARED]
    stories = {own_id(n): story(n) for n in range(CHANNELS)}
    sea = (
        "Today we talk about the sea.",
        "The sea of Kelso was crossed by Nora Lee.",
        "It is deep.",
    )
    model = Parrot()
    world = FakeCore(
        folder,
        fetcher=FakeFetcher(*videos),
        transcriber=StoryTranscriber(stories, sea, pause_s=1.0),
        model=model,
    )
    core, log = world.pipeline(), LogOfCanaries()
    quotas = Quotas(**dict.fromkeys(Quotas.model_fields, PLENTY))
    config = Config(data_dir=folder, quotas=quotas)
    chats = {name: Platform(name) for name in ("discord", "telegram")}
    channels = [
        Channel(n, Where(f"p{n}", f"{name}:p{n}", f"{name}:s{n % 7}"))
        for n in range(CHANNELS)
        for name in (list(chats)[n % 2],)
    ]
    logger, level = logging.getLogger(), logging.getLogger().level
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    handlers: dict[str, Handlers] = {}
    try:
        async with _outboxes(chats, world) as outboxes:
            store = world.store
            people = records_of(store)
            for name, chat in chats.items():
                context = HandlerContext(chat, outboxes[name], core, *people, config, WORDS)
                handlers[name] = Handlers(context)
                await handlers[name].requests.resume()
            yield Harbours(core, model, world, chats, handlers, channels, log, random.Random(seed))
            for one in handlers.values():
                await one.requests.close()
    finally:
        logger.removeHandler(log)
        logger.setLevel(level)


@asynccontextmanager
async def _outboxes(chats: dict[str, Platform], world: FakeCore) -> AsyncIterator[dict[str, Any]]:
    entries = world.store.outbox_entries
    async with (
        open_outbox(chats["discord"], entries) as discord,
        open_outbox(chats["telegram"], entries) as telegram,
    ):
        yield {"discord": discord, "telegram": telegram}
