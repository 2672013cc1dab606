"""Questions and their answers in a chat."""

from __future__ import annotations

import asyncio
from itertools import combinations, pairwise

import pytest

from bot.chat import Press
from bot.config import Config
from bot.handlers.public_posts import PAUSE_S
from bot.words import Words
from core.chat_records import PlaceBinding
from core.errors import ModelFailed
from core.model import Segment
from core.text.languages import is_written_in
from tests.fakes.transcriber import FakeTranscriber
from tests.harness.fake_core import BEES, SAID
from tests.harness.scene import (
    ADA,
    BEES_LINK,
    BOB,
    ELSEWHERE,
    HERE,
    MODERATOR,
    QUEEN,
    Scene,
    Speaker,
    in_korean,
    open_scene,
)
from tests.harness.virtual_loop import virtually

EN = Words("en")
SENTENCE = "Nora Lee found the queen of the hive in Arden."
CLAIM = SENTENCE.removesuffix(".")
SMALL_WORDS = "again also before both here just now once only so then too".split()  # noqa: SIM905
SENTENCES = [f"{' '.join(three).capitalize()} {SENTENCE}" for three in combinations(SMALL_WORDS, 3)]
"""None repeats another one or begins as those before it, which would not be shown."""
LONG = "\n\n ".join(SENTENCES[:80])


async def asked(scene: Scene, text: str, where, **more) -> str:
    """What people see of the answer in the end."""
    before = len(scene.shown(where))
    await scene.write(text, where, **more)
    await scene.settle()
    return "\n".join(one.draft.text for one in scene.shown(where)[before:])


@virtually
async def test_every_message_in_a_videos_thread_is_a_question(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        for person in (ADA, BOB):
            answer = await asked(scene, QUEEN, thread, author=person)
            assert answer.startswith("The queen of the hive in Arden was found by Nora Lee.")
            assert f"[\\[1\\]](https://youtu.be/{BEES.id}?t=5)" in answer
            assert len(scene.chat.messages[-1].draft.buttons) == 4


@virtually
async def test_where_only_mentions_count_other_messages_are_left_alone(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        await scene.command("settings", author=MODERATOR, mention_only="true")
        assert await asked(scene, QUEEN, thread) == ""
        assert "Nora Lee" in await asked(scene, QUEEN, thread, is_to_bot=True)


@virtually
async def test_an_answer_grows_by_edits_and_its_last_text_is_shown(tmp_path):
    speaker = Speaker(" ".join(SENTENCES[:14]), 0.4)
    async with open_scene(tmp_path, model=speaker) as scene:
        thread = await scene.watched()
        await scene.write(QUEEN, thread)
        await scene.settle()
        answer = scene.chat.messages[-1]
        grown = [draft.text for draft in answer.drafts]
        assert len(grown) > 5
        for earlier, later in pairwise(grown[:-1]):
            assert later.startswith(earlier.rstrip())
        assert thread.place in scene.chat.typing
        assert f"[\\[1\\]](https://youtu.be/{BEES.id}?t=5)" in grown[-1]
        assert grown[-1].count(CLAIM) == 14
        assert [button.label for button in answer.draft.buttons] == [
            "What else?",
            "And then?",
            "Who says so?",
            "Show the places",
        ]


@virtually
async def test_typing_is_shown_until_the_first_word_of_an_answer(tmp_path):
    async with open_scene(tmp_path, model=Speaker("Late [2].", 60.0)) as scene:
        thread = await scene.watched()
        await scene.write(QUEEN, thread)
        await asyncio.sleep(50)
        assert 5 <= len(scene.chat.typing) <= 12
        await scene.settle()
        typed = len(scene.chat.typing)
        await asyncio.sleep(60)
        assert len(scene.chat.typing) == typed


@virtually
async def test_a_long_answer_is_split_over_several_messages_as_it_grows(tmp_path):
    async with open_scene(tmp_path, model=Speaker(LONG, 0.01)) as scene:
        thread = await scene.watched()
        before = len(scene.shown(thread))
        await scene.write(QUEEN, thread)
        await scene.settle()
        parts = scene.shown(thread)[before:]
        assert len(parts) >= 3
        text = "\n".join(part.draft.text for part in parts)
        assert text.count(CLAIM) == 80
        assert [len(part.draft.buttons) for part in parts] == [0] * (len(parts) - 1) + [4]


@virtually
async def test_a_pressed_question_is_shown_as_asked_by_whoever_pressed_and_answered(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        label = scene.summary(thread).draft.buttons[0].label
        for person in (ADA, BOB):
            assert await scene.press(scene.summary(thread), label, person) is None
            await scene.settle()
            question, answer = scene.shown(thread)[-2:]
            assert question.draft.text == f"{person.name} asked: {label}"
            assert len(answer.draft.buttons) == 4


@virtually
async def test_a_button_works_weeks_later_and_after_a_restart(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        await asyncio.sleep(21 * 24 * 3600)
        await scene.restart()
        for button in scene.summary(thread).draft.buttons[:3]:
            await scene.press(scene.summary(thread), button.label)
            await scene.settle()
            assert scene.shown(thread)[-2].draft.text == f"Ada asked: {button.label}"


@virtually
async def test_a_thread_is_a_conversation_of_its_own(tmp_path):
    speaker = Speaker("So it is [2].")
    async with open_scene(tmp_path, model=speaker) as scene:
        first, second = await scene.watched(), await scene.watched()
        await asked(scene, "Who is Nora in Arden?", first)
        await asked(scene, "And what is Kelso?", second)
        await asked(scene, "And then?", first)
        last = " ".join(message.text for message in speaker.asked[-1])
        assert "Who is Nora" in last
        assert "Kelso?" not in last


@virtually
async def test_asking_the_whole_channel_names_the_video_of_each_citation(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        await scene.watched("https://youtu.be/bbbbbbbbbbb")
        assert await scene.command("ask", question=QUEEN) == EN("chat.begun")
        await scene.settle()
        question, answer = scene.shown(HERE)[-2:]
        assert question.draft.text == f"Ada asked: {QUEEN}"
        assert "“How bees dance”" in answer.draft.text


@virtually
async def test_ask_with_scope_video_asks_the_threads_video(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        assert await scene.command("ask", question=QUEEN, scope="video") == EN("chat.no_video_here")
        await scene.command("ask", thread, question=QUEEN, scope="video")
        await scene.settle()
        assert "Nora Lee" in scene.shown(thread)[-1].draft.text
        assert "“How bees dance”" not in scene.shown(thread)[-1].draft.text


@pytest.mark.parametrize("text", ["", "  ", "\x00\n", "\u202e"])
@virtually
async def test_an_empty_message_is_no_question(text, tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        assert await asked(scene, text, thread) == ""
        assert await asked(scene, text, HERE) == ""
        assert await asked(scene, text, thread, is_to_bot=True) == EN("chat.help")
        told = await scene.command("ask", question=text)
        assert told.startswith(EN("errors.empty_question.message"))


@pytest.mark.parametrize(
    "text", ["\ud800 queen?", "queen\x00?", "queen " * 700, "꿀벌" * 1000, "?"]
)
@virtually
async def test_any_text_can_be_asked(text, tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        assert await asked(scene, text, thread)
        assert len(scene.chat.messages[-1].draft.buttons) >= 3
        assert await scene.command("ask", question=text) == EN("chat.begun")
        await scene.settle()
        assert scene.shown(HERE)[-2].draft.text.startswith("Ada asked: ")


@virtually
async def test_a_model_error_replaces_the_unfinished_answer(tmp_path):
    class Breaking(Speaker):
        async def stream(self, prompt, *, max_tokens):
            yield f"{SENTENCE} She "
            await asyncio.sleep(5)
            raise ModelFailed("broke")

    async with open_scene(tmp_path, model=Breaking("")) as scene:
        thread = await scene.watched()
        before = len(scene.shown(thread))
        await scene.write(QUEEN, thread)
        await scene.settle()
        [answer] = scene.shown(thread)[before:]
        assert answer.drafts[0].text.startswith("Nora Lee")
        assert answer.draft.text.startswith(EN("errors.model_failed.message"))


@virtually
async def test_an_answer_that_takes_more_than_an_hour_ends_in_a_new_message(tmp_path):
    async with open_scene(tmp_path, model=Speaker(f"{SENTENCE} {SENTENCE}", 600.0)) as scene:
        thread = await scene.watched()
        before = len(scene.shown(thread))
        await scene.write(QUEEN, thread)
        await scene.settle()
        old, new = scene.shown(thread)[before:]
        assert new.at_s - old.at_s > 3600
        assert new.draft.text.startswith(SENTENCE)
        assert len(new.draft.buttons) == 4


@virtually
async def test_a_deleted_answer_breaks_nothing(tmp_path):
    async with open_scene(tmp_path, model=Speaker(f"{SENTENCE} " * 2, 1.0)) as scene:
        thread = await scene.watched()
        await scene.write(QUEEN, thread)
        await asyncio.sleep(12)
        scene.chat.delete(scene.shown(thread)[-1].id)
        await scene.settle()
        assert SENTENCE in await asked(scene, QUEEN, thread)


@virtually
async def test_in_a_channel_only_messages_to_the_bot_are_questions(tmp_path):
    async with open_scene(tmp_path) as scene:
        await scene.watched()
        assert await asked(scene, QUEEN, HERE) == ""
        assert "Nora Lee" in await asked(scene, QUEEN, HERE, is_to_bot=True)
        told = await asked(scene, QUEEN, ELSEWHERE, is_to_bot=True)
        assert told.startswith("This channel has no videos yet.")
        assert "fake:" not in told


@virtually
async def test_a_question_about_a_forgotten_video_says_so(tmp_path):
    async with open_scene(tmp_path) as scene:
        thread = await scene.watched()
        summary = scene.summary(thread)
        await scene.core.forget("fake:a", BEES.id)
        assert await asked(scene, QUEEN, thread) == ""
        told = await scene.press(summary, "Chapters")
        assert told.text == EN("chat.unknown_button")


@virtually
async def test_more_questions_repeats_no_question_of_the_thread(tmp_path):
    subjects = ("flowers", "honey", "queens", "winter", "wax")
    said = [
        Segment(9.0 * n, 9.0 * n + 8, f"The {word} of the hive are {word} that last.")
        for n, word in enumerate(subjects * 2)
    ]
    async with open_scene(tmp_path, transcriber=FakeTranscriber(*said)) as scene:
        thread = await scene.watched()
        assert await scene.press(scene.summary(thread), "More questions") is None
        await scene.settle()
        more = scene.shown(thread)[-1]
        fresh = [button.label for button in more.draft.buttons]
        assert len(fresh) == 3
        assert not {button.label for button in scene.summary(thread).draft.buttons} & set(fresh)
        await scene.press(more, fresh[0], in_korean(BOB))
        await scene.settle()
        assert scene.shown(thread)[-2].draft.text == f"Bob asked: {fresh[0]}"
        await scene.press(scene.summary(thread), scene.summary(thread).draft.buttons[0].label)
        await scene.settle()
        said = len(scene.shown(thread))
        await asyncio.sleep(PAUSE_S)
        await scene.press(scene.summary(thread), "More questions")
        await scene.settle()
        [more] = scene.shown(thread)[said:]
        assert fresh[0] not in [button.label for button in more.draft.buttons]


@virtually
async def test_the_places_behind_an_answer_are_shown_in_the_speakers_words(tmp_path):
    async with open_scene(tmp_path, model=Speaker("Nora Lee [2].")) as scene:
        thread = await scene.watched()
        await asked(scene, QUEEN, thread)
        older = scene.shown(thread)[-1]
        await asked(scene, "And what is Kelso?", thread)
        pressed = (await scene.press(older, "Show the places")).text
        assert pressed.startswith(EN("chat.proof", question=QUEEN))
        before, said, after = pressed.splitlines()[-3:]
        assert f"https://youtu.be/{BEES.id}?t=5" in pressed
        assert (before, said, after) == (SAID[0].text, f"**“{SAID[1].text}”**", SAID[2].text)
        newest = await scene.command("proof", thread)
        assert newest.startswith(EN("chat.proof", question="And what is Kelso?"))
        assert await scene.command("proof") == EN("chat.no_proof")


@virtually
async def test_many_places_are_paged(tmp_path):
    async with open_scene(tmp_path, model=Speaker("Nora Lee [2]. Kelso [3].")) as scene:
        scene.chat.text_limit = 330
        thread = await scene.watched()
        await asked(scene, QUEEN, thread)
        first = await scene.press(scene.shown(thread)[-1], "Show the places")
        [following] = first.buttons
        event = Press(thread, "e-next", "m-private", ADA, following.id)
        last = await scene.handlers.press(event)
        assert first.text.endswith(EN("chat.page", page=1, pages=2))
        assert last.text.endswith(EN("chat.page", page=2, pages=2))
        assert f"**“{SAID[1].text}”**" in first.text
        assert f"**“{SAID[2].text}”**" in last.text
        assert not last.buttons


@virtually
async def test_a_place_with_a_language_gets_it_where_a_question_has_none(tmp_path):
    speaker = Speaker("Nora Lee [2].")
    async with open_scene(tmp_path, model=speaker) as scene:
        thread = await scene.watched()
        await scene.command("language", author=MODERATOR, language="ko")
        await asked(scene, "OK?", thread)
        assert "Answer in Korean" in speaker.asked[-1][-1].text
        await scene.press(scene.summary(thread), "More questions")
        await scene.settle()
        fresh = [button.label for button in scene.shown(thread)[-1].draft.buttons]
        assert all(is_written_in(label, "ko") for label in fresh)


@virtually
async def test_what_was_answered_just_before_a_kill_is_shown_and_not_answered_again(tmp_path):
    speaker = Speaker("Nora Lee [2].", 1.0)
    async with open_scene(tmp_path, model=speaker) as scene:
        thread = await scene.watched()
        for text in (QUEEN, "And what is Kelso?"):
            await scene.write(text, thread)
        while len(await scene.store.threads.turns("fake:a", thread.place, 9)) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await scene.restart()
        await scene.settle()
        assert len(speaker.asked) == 2
        assert len(await scene.store.threads.turns("fake:a", thread.place, 9)) == 2
        assert [len(one.draft.buttons) for one in scene.shown(thread)[-2:]] == [4, 4]


@virtually
async def test_messages_of_an_answer_that_was_longer_before_a_kill_do_not_stay_behind(tmp_path):
    speaker = Speaker(LONG, 0.05)
    async with open_scene(tmp_path, model=speaker) as scene:
        thread = await scene.watched()
        before = len(scene.shown(thread))
        await scene.write(QUEEN, thread)
        await asyncio.sleep(30)
        assert len(scene.shown(thread)) - before >= 2
        await scene.end()
        speaker.says = "Nora Lee."
        await scene.begin()
        await scene.settle()
        first, *others = scene.shown(thread)[before:]
        assert first.draft.text.startswith("Nora Lee. ")
        assert others
        assert {one.draft.text for one in others} == {"…"}


@virtually
async def test_a_reply_belongs_to_its_messages_video_before_the_places(tmp_path):
    async with open_scene(tmp_path, config=Config()) as scene:
        thread = await scene.watched()
        await scene.write("https://youtu.be/bbbbbbbbbbb", thread)
        await scene.settle()
        summary = scene.summary(thread)
        await scene.press(summary, summary.draft.buttons[0].label)
        await scene.settle()
        found = await scene.store.bindings.find("fake", thread.place, summary.id)
        assert isinstance(found, PlaceBinding)
        turns = await scene.store.threads.turns("fake:a", found.thread, 9)
        assert [turn.question for turn in turns] == [summary.draft.buttons[0].label]
        assert BEES_LINK.endswith(BEES.id)
