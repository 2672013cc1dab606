"""The promises of the outbox, one per test, on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from bot.chat import Busy, Button, Draft, File
from bot.delivery.outbox import open_outbox
from bot.delivery.place_queue import GIVE_UP_S
from core.chat_records import OutboxEntry
from core.errors import StoreBroken
from core.json_values import from_json, to_json
from tests.fakes.chat import KEY_REMEMBERED_S, FakeChat, Faults, says
from tests.fakes.store import FakeOutboxEntries
from tests.harness.virtual_loop import virtually


@virtually
async def test_it_is_stored_before_it_is_sent():
    chat, store = FakeChat(), FakeOutboxEntries()
    chat.down = True
    async with open_outbox(chat, store) as outbox:
        live = await outbox.post("a", says("Hello"), key="k")
        assert [effect.key for effect in await store.unfinished("fake")] == ["k"]
        assert chat.texts("a") == []
        chat.down = False
        await live.delivered()
    assert chat.texts("a") == ["Hello"]
    assert await store.unfinished("fake") == []


@virtually
async def test_a_message_that_cannot_be_stored_is_not_sent():
    class Broken(FakeOutboxEntries):
        async def add(self, effect: OutboxEntry) -> OutboxEntry:
            raise StoreBroken

    chat = FakeChat()
    async with open_outbox(chat, Broken()) as outbox:
        with pytest.raises(StoreBroken):
            await outbox.post("a", says("Hello"), key="k")
        await asyncio.sleep(60)
    assert chat.calls == 0


@virtually
async def test_a_key_used_again_shows_one_message():
    chat, store = FakeChat(), FakeOutboxEntries()
    for _ in range(2):
        async with open_outbox(chat, store) as outbox:
            for _ in range(2):
                live = await outbox.post("a", says("Hello"), key="k")
                assert await live.delivered() == chat.messages[0].id
    assert chat.texts("a") == ["Hello"]


@virtually
async def test_edits_keep_the_platforms_interval_and_the_last_text_is_shown():
    chat = FakeChat(edit_interval_s=1.0)
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        live = await outbox.grow("a", says("0"), key="k", owner="job")
        for n in range(1, 100):
            await asyncio.sleep(0.05)
            live.show(says(str(n)))
        await live.finish(says("The end"))
        await live.delivered()
    [message] = chat.messages
    numbers = [int(draft.text) for draft in message.drafts[:-1]]
    assert numbers == sorted(set(numbers))
    assert message.draft.text == "The end"
    assert len(message.drafts) <= 7


@virtually
async def test_where_only_edits_must_wait_a_new_message_goes_before():
    class Hasty(FakeChat):
        async def edit(self, place: str, message_id: str, draft: Draft) -> None:
            now = asyncio.get_running_loop().time()
            if now < 60:
                raise Busy(60 - now, edits_only=True)
            await super().edit(place, message_id, draft)

    chat = Hasty()
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        live = await outbox.grow("a", says("0"), key="k", owner="job")
        await live.delivered()
        await live.finish(says("1"))
        await asyncio.sleep(2)
        await (await outbox.post("a", says("New"), key="l")).delivered()
        assert asyncio.get_running_loop().time() < 60
        assert chat.texts("a") == ["0", "New"]
        await live.delivered()
    assert chat.texts("a") == ["1", "New"]


@virtually
async def test_a_text_that_changes_nothing_costs_no_edit():
    chat = FakeChat()
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        live = await outbox.grow("a", says("Same"), key="k", owner="job")
        for _ in range(5):
            live.show(says("Same"))
            await asyncio.sleep(5)
        await live.finish(says("Same"))
        await live.delivered()
    assert chat.calls == 1


@pytest.mark.parametrize("after_s", [0.5, 1.5])
@virtually
async def test_a_text_shown_while_an_older_one_is_being_stored_is_not_forgotten(after_s):
    class Slow(FakeOutboxEntries):
        async def save(self, effect: OutboxEntry) -> None:
            await asyncio.sleep(1)
            await super().save(effect)

    chat = FakeChat()
    async with open_outbox(chat, Slow()) as outbox:
        live = await outbox.grow("a", says("1"), key="k", owner="job")
        await live.delivered()
        live.show(says("2"))
        await asyncio.sleep(after_s)
        live.show(says("3"))
        await asyncio.sleep(60)
    assert chat.texts("a") == ["3"]


@virtually
async def test_a_key_used_again_while_its_message_is_sent_sends_nothing():
    class Slow(FakeOutboxEntries):
        async def add(self, effect: OutboxEntry) -> OutboxEntry:
            stored = await super().add(effect)
            await asyncio.sleep(60)
            return stored

    chat, store = FakeChat(deduplicates=False), Slow()
    chat.down = True
    async with open_outbox(chat, store) as outbox:
        await outbox.post("a", says("Hello"), key="k")
    chat.down = False
    async with open_outbox(chat, store) as outbox:
        await outbox.post("a", says("Hello"), key="k")
        await asyncio.sleep(120)
    assert chat.texts("a") == ["Hello"]


@virtually
async def test_after_a_restart_the_same_message_continues_to_grow():
    chat, store = FakeChat(), FakeOutboxEntries()
    async with open_outbox(chat, store) as outbox:
        for place in ("a", "b"):
            first = await outbox.grow(place, says("10 %"), key=f"{place}-progress", owner="job")
            await first.delivered()
    async with open_outbox(chat, store) as outbox:
        lives = outbox.growing()["job"]
        assert [live.entry.place for live in lives] == ["a", "b"]
        again = await outbox.grow("a", says("0 %"), key="a-progress", owner="job")
        assert again is lives[0]
        for live in lives:
            live.show(says("50 %"))
            await live.delivered()
            await live.finish(says("Done"))
        assert outbox.growing() == {}
        await asyncio.sleep(10)
    for message in chat.messages:
        assert [draft.text for draft in message.drafts] == ["10 %", "50 %", "Done"]


@virtually
async def test_a_finished_message_does_not_change():
    chat, store = FakeChat(), FakeOutboxEntries()
    async with open_outbox(chat, store) as outbox:
        live = await outbox.grow("a", says("Grows"), key="k", owner="job")
        await live.finish(says("Done"))
        live.show(says("Late"))
        await live.finish(says("Later"))
        await live.delivered()
    async with open_outbox(chat, store) as outbox:
        live = await outbox.grow("a", says("Grows"), key="k", owner="job")
        live.show(says("Late"))
        await live.finish(says("Later"))
        await asyncio.sleep(60)
    assert chat.texts("a") == ["Done"]


@virtually
async def test_a_message_that_was_deleted_does_not_come_back():
    chat = FakeChat()
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        live = await outbox.grow("a", says("Grows"), key="k", owner="job")
        chat.delete(await live.delivered())
        live.show(says("More"))
        await asyncio.sleep(5)
        assert outbox.growing() == {}
        await live.finish(says("Done"))
        await (await outbox.post("a", says("Another"), key="k2")).delivered()
    assert chat.texts("a") == ["Another"]


@virtually
async def test_a_place_that_is_closed_is_asked_once_and_stops_no_other():
    chat, store = FakeChat(), FakeOutboxEntries()
    chat.closed = {"a"}
    async with open_outbox(chat, store) as outbox:
        lives = [await outbox.post("a", says(str(n)), key=f"a{n}") for n in range(5)]
        await (await outbox.post("b", says("Here"), key="b")).delivered()
        assert [await live.delivered() for live in lives] == [""] * 5
    assert chat.texts("b") == ["Here"]
    assert chat.calls == 2
    assert await store.unfinished("fake") == []


@virtually
async def test_a_message_too_old_to_be_edited_continues_as_a_new_one():
    chat = FakeChat(editable_s=3600)
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        live = await outbox.grow("a", says("10 %"), key="k", owner="job")
        await asyncio.sleep(2 * 3600)
        live.show(says("90 %"))
        await live.delivered()
        await live.finish(says("Done"))
        await live.delivered()
    assert chat.texts("a") == ["10 %", "Done"]
    assert chat.offences == []


@virtually
async def test_a_limited_place_is_left_alone_as_long_as_the_platform_asks_and_others_are_not():
    chat = FakeChat()
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        chat.limit("a", 300)
        live = await outbox.post("a", says("Late"), key="a")
        await (await outbox.post("b", says("At once"), key="b")).delivered()
        assert now() < 1
        await live.delivered()
        assert now() >= 300
    assert chat.calls == 3
    assert chat.offences == []


@virtually
async def test_a_fallback_is_shown_if_the_last_draft_is_refused():
    chat, too_long = FakeChat(), says("x" * 5000)
    async with open_outbox(chat, FakeOutboxEntries(), says("I may not.")) as outbox:
        posted = await outbox.post("a", too_long, key="posted")
        grown = await outbox.grow("a", says("It grows"), key="grown", owner="job")
        await grown.delivered()
        grown.show(too_long)
        await grown.delivered()
        assert chat.texts("a")[-1] == "It grows"
        await grown.finish(too_long)
        await asyncio.gather(posted.delivered(), grown.delivered())
    assert chat.texts("a") == ["I may not."] * 2


@virtually
async def test_a_draft_that_is_refused_holds_nothing_up_and_a_later_one_is_shown():
    chat = FakeChat()
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        live = await outbox.grow("a", says(""), key="k", owner="job")
        await (await outbox.post("a", says("Next"), key="k2")).delivered()
        live.show(says("x" * 3000))
        await live.delivered()
        await live.finish(says("Fits"))
        await live.delivered()
    assert chat.texts("a") == ["Next", "Fits"]


@virtually
async def test_an_adapters_bug_does_not_stop_a_place():
    class Flawed(FakeChat):
        async def post(self, place: str, draft: Draft, key: str) -> str:
            if draft.text == "Odd":
                raise KeyError(draft.text)
            return await super().post(place, draft, key)

    chat = Flawed()
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        assert await (await outbox.post("a", says("Odd"), key="1")).delivered() == ""
        await (await outbox.post("a", says("Even"), key="2")).delivered()
    assert chat.texts("a") == ["Even"]


@virtually
async def test_an_outage_of_a_night_loses_nothing():
    chat = FakeChat()
    chat.down = True
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        lives = [await outbox.post("a", says(str(n)), key=str(n)) for n in range(3)]
        await asyncio.sleep(12 * 3600)
        chat.down = False
        await asyncio.gather(*(live.delivered() for live in lives))
    assert chat.texts("a") == ["0", "1", "2"]


@virtually
async def test_a_message_that_fails_for_a_day_is_dropped():
    chat, store = FakeChat(), FakeOutboxEntries()
    chat.down = True
    async with open_outbox(chat, store) as outbox:
        live = await outbox.post("a", says("Never"), key="1")
        assert await live.delivered() == ""
        assert GIVE_UP_S < now() < GIVE_UP_S + 60
        chat.down = False
        await (await outbox.post("a", says("Again"), key="2")).delivered()
    assert chat.texts("a") == ["Again"]


@virtually
async def test_a_thread_is_opened_once_and_known_after_a_restart():
    chat, store = FakeChat(faults=Faults(lost=0.9)), FakeOutboxEntries()
    places = []
    for _ in range(2):
        async with open_outbox(chat, store) as outbox:
            thread = await outbox.open_thread("a", "Bees", key="t", owner="o", message_id="m0")
            places.append(await thread.delivered())
            await (await outbox.post(places[-1], says("Summary"), key="s")).delivered()
    assert len(chat.threads) == 1
    assert chat.texts(places[0]) == chat.texts(places[1]) == ["Summary"]


@virtually
async def test_a_thread_in_a_closed_place_is_dropped():
    chat = FakeChat()
    chat.closed = {"a"}
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        thread = await outbox.open_thread("a", "Bees", key="t", owner="o")
        assert await thread.delivered() == ""


@virtually
async def test_a_thread_gets_its_name_when_it_is_known_also_after_a_restart():
    chat, store = FakeChat(), FakeOutboxEntries()
    async with open_outbox(chat, store) as outbox:
        thread = await outbox.open_thread("a", "A video", key="t", owner="o")
        place = await thread.delivered()
    async with open_outbox(chat, store) as outbox:
        thread = await outbox.open_thread("a", "A video", key="t", owner="o")
        await thread.finish(says("Bees"))
        assert await thread.delivered() == place
    assert [shown.draft.text for shown in chat.threads] == ["Bees"]


@virtually
async def test_a_hanging_post_blocks_other_places_for_seconds_only():
    class Hanging(FakeChat):
        async def post(self, place: str, draft: Draft, key: str) -> str:
            if place == "a":
                await asyncio.sleep(25)
            return await super().post(place, draft, key)

    chat = Hanging(deduplicates=False)
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        hung = await outbox.post("a", says("Late"), key="k")
        for place in ("b", "c"):
            await (await outbox.post(place, says("Soon"), key=place)).delivered()
        assert asyncio.get_running_loop().time() < 6
        await hung.delivered()
    assert chat.texts("a") == ["Late"]


@pytest.mark.parametrize(("deduplicates", "at_once"), [(True, 5), (False, 1)])
@virtually
async def test_without_idempotency_keys_posts_are_sent_one_at_a_time(deduplicates, at_once):
    class Counting(FakeChat):
        under_way = most = 0

        async def post(self, place: str, draft: Draft, key: str) -> str:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            try:
                await asyncio.sleep(1)
                return await super().post(place, draft, key)
            finally:
                self.under_way -= 1

    chat = Counting(deduplicates=deduplicates)
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        lives = [await outbox.post(place, says("Hi"), key=place) for place in "abcde"]
        await asyncio.gather(*(live.delivered() for live in lives))
    assert chat.most == at_once


@virtually
async def test_closing_finishes_the_running_call_and_leaves_the_rest_for_the_next_start():
    chat, store = FakeChat(faults=Faults(slow_s=2)), FakeOutboxEntries()
    async with open_outbox(chat, store) as outbox:
        for n in range(3):
            await outbox.post("a", says(str(n)), key=str(n))
        await asyncio.sleep(0.1)
    assert chat.texts("a") == ["0"]
    assert [effect.key for effect in await store.unfinished("fake")] == ["1", "2"]
    async with open_outbox(chat, store) as outbox:
        await (await outbox.post("a", says("3"), key="3")).delivered()
    assert chat.texts("a") == ["0", "1", "2", "3"]


@virtually
async def test_a_lost_response_and_an_expired_key_cause_one_duplicate_at_most():
    chat = FakeChat(faults=Faults(lost=1.0, in_a_row=1))
    async with open_outbox(chat, FakeOutboxEntries()) as outbox:
        live = await outbox.post("a", says("Twice"), key="k")
        await asyncio.sleep(0.1)
        chat.down = True
        await asyncio.sleep(KEY_REMEMBERED_S + 60)
        chat.down = False
        await live.delivered()
    assert chat.texts("a") == ["Twice"] * 2


@virtually
async def test_two_platforms_on_one_store_do_not_mix():
    class Other(FakeChat):
        name = "other"

    here, there, store = FakeChat(), Other(), FakeOutboxEntries()
    there.down = True
    async with open_outbox(here, store) as one, open_outbox(there, store) as two:
        await (await one.post("a", says("Here"), key="k")).delivered()
        live = await two.post("a", says("There"), key="k")
        there.down = False
        await live.delivered()
    assert (here.texts("a"), there.texts("a")) == (["Here"], ["There"])


def test_a_draft_comes_back_as_it_was_stored():
    odd = "꿀벌 🐝 \0 \x1b \u2028 {} \\"
    draft = Draft((odd, "two"), (Button("id", odd),), File("a.txt", odd))
    assert from_json(Draft, to_json(draft)) == draft
    assert draft.text == f"{odd}\n\ntwo"
    half = Draft((chr(0xD83D) + "bees",))
    assert from_json(Draft, to_json(half)) == says("?bees")


def now() -> float:
    return asyncio.get_running_loop().time()
