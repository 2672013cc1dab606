"""This file holds what every `Chat` promises: the strict platform in memory, and the terminal."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from contextlib import suppress

import pytest

from bot.chat import Button, Chat, Draft, File, TooOld
from bot.console_adapter import Console
from bot.outbox import open_outbox
from tests.fakes.chat import FakeChat
from tests.fakes.store import FakeOutgoing
from tests.fakes.virtual_loop import virtually

Platform = tuple[Chat, Callable[[], str]]
"""And what people read there."""


class Screen(io.StringIO):
    """A terminal of 80 columns and 24 rows that obeys two sequences and knows no others."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError

    def read_all(self) -> str:
        lines = [""]
        for part in re.split(r"(\x1b\[\d+A\x1b\[J)", self.getvalue()):
            if up := re.fullmatch(r"\x1b\[(\d+)A\x1b\[J", part):
                del lines[len(lines) - 1 - int(up[1]) :]
                lines.append("")
            else:
                assert "\x1b" not in part
                first, *rest = part.split("\n")
                lines[-1] += first
                lines += [line[n : n + 80] for line in rest for n in range(0, len(line) or 1, 80)]
        return "\n".join(lines)


@pytest.fixture(params=["fake", "screen", "pipe"])
def platform(request: pytest.FixtureRequest) -> Platform:
    if request.param == "fake":
        fake = FakeChat()
        return fake, lambda: "\n".join(_read(m.draft) for m in fake.messages)
    if request.param == "screen":
        screen = Screen()
        return Console(screen), screen.read_all
    pipe = io.StringIO()
    return Console(pipe), pipe.getvalue


def _read(draft: Draft) -> str:
    labels = [button.label for button in draft.buttons]
    return "\n".join([draft.text, *labels, draft.file.text if draft.file else ""])


def says(text: str) -> Draft:
    return Draft((text,))


@virtually
async def test_people_read_all_of_what_is_posted(platform):
    chat, read = platform
    draft = Draft(("First.", "꿀벌."), (Button("x", "Why?"),), File("a.txt", "Said."))
    await chat.post("a", draft, "k")
    for text in ("First.\n\n꿀벌.", "Why?", "Said."):
        assert text in read()


@virtually
async def test_messages_stand_in_the_order_in_which_they_were_posted(platform):
    chat, read = platform
    ids = [await chat.post("a", says(f"Number {n}"), str(n)) for n in range(5)]
    assert len(set(ids)) == 5
    assert re.findall(r"\d", read()) == list("01234")


@virtually
async def test_an_edit_shows_the_new_text_and_may_be_repeated(platform):
    chat, read = platform
    if isinstance(chat, FakeChat):
        chat.edit_interval_s = 0
    message_id = await chat.post("a", says("Old\n" * 3), "k")
    for _ in range(2):
        await chat.edit("a", message_id, says("New"))
    assert read().rstrip().endswith("New")


@virtually
async def test_an_older_message_is_edited_or_told_to_be_too_old(platform):
    chat, read = platform
    first = await chat.post("a", says("Old"), "1")
    await chat.post("a", says("Between"), "2")
    with suppress(TooOld):
        await chat.edit("a", first, says("New"))
        assert "New" in read()
    assert "Between" in read()


@virtually
async def test_a_thread_takes_messages(platform):
    chat, read = platform
    message_id = await chat.post("a", says("Link"), "1")
    thread = await chat.open_thread("a", message_id, "A video", "2")
    await chat.rename_thread(thread, "Bees")
    await chat.show_typing(thread)
    await chat.post(thread, says("Summary"), "3")
    assert "Summary" in read()


@virtually
async def test_a_key_is_shown_once_where_the_platform_knows_keys(platform):
    chat, read = platform
    same = [await chat.post("a", says("Hello"), "k") for _ in range(2)]
    assert read().count("Hello") == len(set(same)) == (1 if chat.keyed else 2)


@virtually
async def test_the_outbox_lets_a_message_grow_on_it(platform):
    chat, read = platform
    async with open_outbox(chat, FakeOutgoing()) as outbox:
        live = await outbox.grow("a", says("0 %"), key="k", owner="job")
        await live.seen()
        for share in ("40 %", "80 %"):
            live.show(says(share))
            await live.seen()
        await live.finish(says("Done"))
        await live.seen()
    assert read().rstrip().endswith("Done")


@virtually
async def test_on_a_screen_a_growing_message_stays_in_its_place_whatever_its_height():
    screen = Screen()
    console = Console(screen)
    await console.post("a", says("Above"), "0")
    message_id = await console.post("a", says("x" * 200 + "\n\nend"), "k")
    for text in ("One line", "Two\nlines", "One line"):
        await console.edit("a", message_id, says(text))
    assert screen.read_all().rstrip() == "Above\nOne line"


@virtually
async def test_what_is_higher_than_the_screen_is_too_old_to_be_edited():
    console = Console(Screen())
    message_id = await console.post("a", says("line\n" * 30), "k")
    with pytest.raises(TooOld):
        await console.edit("a", message_id, says("New"))


@virtually
async def test_a_terminal_obeys_nothing_of_what_it_shows():
    screen = Screen()
    odd = "\x1b[2Jred\x07"
    await Console(screen).post("a", Draft((odd,), (Button("x", odd),), File(odd, odd)), "k")
    assert "\x1b" not in screen.getvalue()
    assert "\x07" not in screen.getvalue()


def test_a_real_terminal_is_a_screen():
    ours, theirs = os.openpty()
    with os.fdopen(ours), os.fdopen(theirs, "w") as stream:
        assert Console(stream).edit_interval_s < 1
