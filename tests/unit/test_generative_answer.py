"""Answers by a scripted model: text, citations, notes and suggested questions."""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.answers.asked import Asked
from core.answers.citations import cite
from core.answers.generative import Reply, answer
from core.answers.prompt_fitting import FittedQuestion
from core.errors import BadModelOutput, CoreError, ModelFailed, ModelStalled, PromptTooLong
from core.language_model.context_budget import fits
from core.model import Answer, Passage, Place, Segment, Turn, Video
from core.text.languages import is_written_in
from tests.fakes.language_model import Broken, ScriptedModel

BEES, TEA = Video("beesbeesbee", "Bees"), Video("teateateate", "Tea")
SAID = (
    "Bees dance in the hive.",
    "The dance points to flowers.",
    "A short dance means near food.",
    "Karl von Frisch read it in 1944.",
    "He won a prize for that.",
    "Wasps build paper nests.",
)
SEGMENTS = tuple(Segment(10.0 * i, 10.0 * i + 9, text) for i, text in enumerate(SAID))
HIVE = Passage(BEES, SEGMENTS)
POT = Passage(TEA, (Segment(100.0, 104.0, "Tea is poured at four."),))
NEXT = {"questions": ["What do wasps build?", "Who won a prize?", "Where do bees dance?"]}
KOREAN_NEXT = {"questions": ["말벌은 무엇을 짓나요?", "누가 상을 받았나요?", "어디서 춤을 추나요?"]}


class FakeSearch:
    """`AnswerSearch` with fixed places and cosines. `near`: numbers of sentences, None for all."""

    def __init__(self, places=(), cosines=None, near=None):
        self._places, self._cosines, self._near = places, cosines, near

    async def places(self):
        return self._places

    async def cosines(self, sentence, passages):
        return self._cosines

    async def near(self, passages):
        size = sum(len(passage.segments) for passage in passages)
        return np.isin(range(size), range(size) if self._near is None else self._near)


NO_SEARCH = FakeSearch()


def earlier(question: str, text: str = "In the hive [1].") -> Turn:
    answered = Answer(
        question, text, (cite(1, BEES, SEGMENTS[:1]),), ("A?", "B?", "C?"), True, "scripted"
    )
    return Turn(question, answered)


async def ask(
    model,
    question="Who read the dance?",
    passages=(HIVE,),
    turns=(),
    language="en",
    search=NO_SEARCH,
    max_tokens=512,
):
    """The pieces shown, and the answer."""
    asked = Asked(question, passages, language, turns)
    *pieces, last = [piece async for piece in answer(asked, model, max_tokens, search)]
    assert all(isinstance(piece, str) and piece for piece in pieces)
    assert isinstance(last, Answer)
    assert "".join(pieces) == last.text
    return pieces, last


async def test_the_answer_streams_with_markers_that_resolve_to_segments():
    model = ScriptedModel(["Karl von Frisch read it [4]. He won a prize [5][4].", NEXT])
    pieces, found = await ask(model)
    assert pieces == ["Karl von Frisch read it. [1]", " He won a prize. [2]"]
    assert [(c.n, c.start_s, c.quote) for c in found.citations] == [
        (1, 30.0, SAID[3]),
        (2, 40.0, SAID[4]),
    ]
    assert found.citations[0].url == "https://youtu.be/beesbeesbee?t=30"
    assert found.questions == tuple(NEXT["questions"])
    assert (found.grounded, found.engine, found.notes) == (True, "scripted", ())


async def test_passages_of_several_videos_are_cited_each_as_its_own():
    model = ScriptedModel(["Tea is poured at four [7]. Bees dance in the hive [1].", NEXT])
    _, found = await ask(model, passages=(HIVE, POT))
    assert [c.video_id for c in found.citations] == [TEA.id, BEES.id]


@pytest.mark.parametrize("written", ["", " [99]", " [6]", " [4-9]"])
async def test_a_sentence_is_cited_where_it_is_said_whatever_the_model_cites(written):
    _, found = await ask(ScriptedModel([f"Frisch read it in 1944{written}.", NEXT]))
    assert found.text == "Frisch read it in 1944. [1]"
    assert [citation.start_s for citation in found.citations] == [30.0]
    assert found.grounding == "grounded"


async def test_the_models_number_decides_between_two_places_that_fit():
    twice = Passage(BEES, (*SEGMENTS, Segment(90.0, 99.0, SAID[0])))
    _, found = await ask(ScriptedModel(["Bees dance in the hive [7].", NEXT]), passages=(twice,))
    assert [citation.start_s for citation in found.citations] == [90.0]


async def test_what_nothing_supports_is_left_out_and_that_is_told():
    reply = "Karl von Frisch read it. The capital of Peru is Lima. He won a prize for that."
    pieces, found = await ask(ScriptedModel([reply, NEXT]))
    assert pieces == ["Karl von Frisch read it. [1]", " He won a prize for that. [2]"]
    assert (found.grounded, found.partly, found.grounding) == (True, True, "partly")


@pytest.mark.parametrize(
    "claim",
    [
        "Karl von Frisch read it in 1945.",
        "Karl von Frisch read it with Martin Lindauer.",
        "Karl von Frisch read it in nineteen fifty.",
    ],
)
async def test_a_name_or_number_that_nobody_said_is_never_shown(claim):
    _, found = await ask(ScriptedModel([claim, NEXT]))
    assert (found.text, found.grounding) == ("", "none")


async def test_a_name_from_another_sentence_is_cited_there_too():
    _, found = await ask(ScriptedModel(["He won a prize for that in 1944.", NEXT]))
    assert found.text == "He won a prize for that in 1944. [1][2]"
    assert [citation.start_s for citation in found.citations] == [40.0, 30.0]


async def test_what_was_said_is_not_shown_again():
    reply = "Karl von Frisch read it. Karl read it. In 1944 Karl von Frisch read it."
    _, found = await ask(ScriptedModel([reply, NEXT]))
    assert found.text == "Karl von Frisch read it. [1] In 1944 Karl von Frisch read it. [1]"
    assert not found.partly, "nothing was left out that says more"


async def test_a_model_that_goes_on_repeating_itself_is_stopped():
    loop = "Karl von Frisch read it. " + "He won a prize for that. Karl von Frisch read it. " * 30
    model = ScriptedModel([loop, NEXT])
    _, found = await ask(model)
    assert found.text == "Karl von Frisch read it. [1] He won a prize for that. [2]"
    assert len(model.spoken) < len(loop) / 4
    assert found.questions == tuple(NEXT["questions"])


async def test_half_a_sentence_at_the_end_is_shown_only_if_it_is_all():
    cut = "Karl von Frisch read it. " + "He won a prize " * 200
    assert (await ask(ScriptedModel([cut, NEXT])))[1].text == "Karl von Frisch read it. [1]"
    _, found = await ask(ScriptedModel(["Karl von Frisch read it and " * 100, NEXT]))
    assert found.text.endswith("… [1]")


async def test_a_list_keeps_its_lines_each_with_its_place():
    reply = "There are two:\n- Bees dance in the hive.\n- Wasps build paper nests."
    _, found = await ask(ScriptedModel([reply, NEXT]))
    assert found.text == (
        "There are two: - Bees dance in the hive. [1]\n- Wasps build paper nests. [2]"
    )


@pytest.mark.parametrize(
    "reply",
    [
        '{"answer": "Karl von Frisch read it.", "segment": [4]}',
        '```json\n{"answer": "Karl von Frisch read it.", "segment": "4"}\n```',
        '{"sentences": [{"text": "Karl von Frisch read it.", "line": 4}]}',
        '{"answer": "Karl von Frisch read it.", "segme',
    ],
)
async def test_an_answer_as_json_is_read_as_text(reply):
    _, found = await ask(ScriptedModel([reply, NEXT]))
    assert found.text == "Karl von Frisch read it. [1]"


@pytest.mark.parametrize("reply", ['{"answer": "NONE"}', "{", '{"answer": 1e999}', '{"a": {}}'])
async def test_json_without_a_sentence_is_no_answer(reply):
    _, found = await ask(ScriptedModel([reply, NEXT]))
    assert (found.text, found.grounding) == ("", "none")


async def test_a_question_is_no_answer():
    _, found = await ask(ScriptedModel(["Where do bees dance in the hive?", NEXT]))
    assert (found.text, found.grounding) == ("", "none")


async def test_a_bare_yes_rests_on_the_question():
    _, found = await ask(ScriptedModel(["Yes.", NEXT]), question="Do wasps build paper nests?")
    assert found.text == "Yes. [1]"
    assert [citation.start_s for citation in found.citations] == [50.0]


async def test_no_answer_comes_with_the_nearest_places_if_any_is_near():
    near = (Place(BEES, SEGMENTS[3:4], 0.7), Place(BEES, SEGMENTS[:1], 0.2))
    _, found = await ask(ScriptedModel(["NONE", NEXT]), search=FakeSearch(near))
    assert (found.text, found.grounding) == ("", "none")
    assert [citation.start_s for citation in found.citations] == [30.0, 0.0]
    far = (Place(BEES, SEGMENTS[3:4], 0.1),)
    _, found = await ask(ScriptedModel(["NONE", NEXT]), search=FakeSearch(far))
    assert found.citations == ()


async def test_a_korean_answer_about_an_english_video_keeps_its_numbers():
    model = ScriptedModel(["카를 폰 프리슈가 읽었습니다[4].", KOREAN_NEXT])
    _, found = await ask(model, language="ko")
    assert "in Korean" in model.prompts[0][-1].text
    assert found.text == "카를 폰 프리슈가 읽었습니다. [1]"
    assert found.citations[0].start_s == 30.0


async def test_across_languages_the_embedder_decides():
    cosines = np.array([0.1, 0.2, 0.1, 0.8, 0.3, 0.0], dtype=np.float32)
    korean = "카를 폰 프리슈가 읽었습니다 [1]."
    for nearness, places in ((cosines, [30.0]), (cosines / 4, [])):
        model = ScriptedModel([korean, KOREAN_NEXT])
        _, found = await ask(model, language="ko", search=FakeSearch(cosines=nearness))
        assert [citation.start_s for citation in found.citations] == places


KOREAN = "카를 폰 프리슈가 춤을 읽었어요 [4]."
WHO_READ = {"question": "누가 춤을 읽었나요?", "language": "ko"}


async def test_an_answer_in_another_language_is_not_shown_but_asked_again():
    model = ScriptedModel(["Karl von Frisch read the dance [4]. He did.", KOREAN, KOREAN_NEXT])
    _, found = await ask(model, **WHO_READ)
    assert found.text == "카를 폰 프리슈가 춤을 읽었어요. [1]"
    assert found.questions == tuple(KOREAN_NEXT["questions"])
    first, again, _ = model.prompts
    assert again[:-1] == first[:-1]
    assert again[-1].text.startswith(first[-1].text)
    assert again[-1].text.endswith("It was not in Korean.")
    assert "He did" not in model.spoken


async def test_an_answer_that_stays_in_another_language_is_shown():
    """A true answer in the wrong language is better than none."""
    english = "Karl von Frisch read the dance [4]."
    model = ScriptedModel([english, english, KOREAN_NEXT])
    _, found = await ask(model, **WHO_READ)
    assert found.text == "Karl von Frisch read the dance. [1]"


@pytest.mark.parametrize("name", ["Karl von Frisch [4].", f"{KOREAN} He won a prize for that [5]."])
async def test_a_name_alone_or_a_later_sentence_is_not_asked_again(name):
    model = ScriptedModel([name, KOREAN_NEXT])
    _, found = await ask(model, **WHO_READ)
    assert found.text
    assert len(model.prompts) == 2


async def test_suggested_questions_in_another_language_are_asked_again_once():
    model = ScriptedModel([KOREAN, NEXT, KOREAN_NEXT])
    _, found = await ask(model, **WHO_READ)
    assert found.questions == tuple(KOREAN_NEXT["questions"])
    model = ScriptedModel([KOREAN, NEXT, NEXT])
    _, found = await ask(model, **WHO_READ)
    assert all(is_written_in(question, "ko") for question in found.questions)


@pytest.mark.parametrize("sign", ["NONE", "None.", '"NONE"', "**NONE**", "NONE\n\nIt is not said."])
async def test_an_answer_not_in_the_video_has_no_text_and_is_not_grounded(sign):
    pieces, found = await ask(ScriptedModel([sign, NEXT]))
    assert pieces == []
    assert (found.text, found.citations, found.grounded) == ("", (), False)
    assert len(found.questions) == 3


async def test_the_stream_is_closed_once_the_model_declines():
    model = ScriptedModel(["NONE. " + "But bees are insects. " * 50, NEXT])
    await ask(model)
    assert len(model.spoken) < 20


@pytest.mark.parametrize("text", ["None of the bees dance in a hive.", "Nobody won a prize."])
async def test_an_answer_that_only_starts_like_the_refusal_is_shown(text):
    _, found = await ask(ScriptedModel([text, NEXT]))
    assert found.text == f"{text} [1]"


async def test_the_questions_own_words_support_no_answer():
    """The video says nothing of a cathedral; only "bees" and "hive" are said."""
    reply = "Bees in the hive restored the stained windows of a cathedral."
    close = FakeSearch(cosines=np.full(len(SAID), 0.6, dtype=np.float32))
    question = "Who restored the stained windows of the cathedral?"
    _, found = await ask(ScriptedModel([reply, NEXT]), question=question, search=close)
    assert (found.text, found.grounding) == ("", "none")


async def test_a_question_word_beside_what_was_said_does_no_harm():
    question = "Who was the scholar that read the dance in 1944?"
    _, found = await ask(
        ScriptedModel(["The scholar was Karl von Frisch, who read it in 1944.", NEXT]), question
    )
    assert [citation.start_s for citation in found.citations] == [30.0]


async def test_an_answer_from_the_models_own_knowledge_is_not_shown():
    _, found = await ask(ScriptedModel(["The capital of Peru is Lima.", NEXT]))
    assert (found.text, found.citations, found.grounding) == ("", (), "none")


async def test_what_resembles_a_place_far_from_the_question_needs_more_support():
    """Half of the support that a copy has; the model's own number says that it is meant."""
    cosines = np.array([0, 0, 0, 0, 0, 0.5], dtype=np.float32)
    for near, reply, places in (
        ([5], "Wasps play music.", [50.0]),
        ([0], "Wasps play music.", []),
        ([0], "Wasps play music [6].", [50.0]),
        ([0], "Wasps build paper nests.", [50.0]),
    ):
        search = FakeSearch(cosines=cosines, near=near)
        _, found = await ask(ScriptedModel([reply, NEXT]), search=search)
        assert [citation.start_s for citation in found.citations] == places


@pytest.mark.parametrize("near", [0, 5])
async def test_of_two_places_that_say_the_same_the_one_near_the_question_is_cited(near):
    said = [Segment(10.0 * i, 10.0 * i + 9, SAID[i % 5]) for i in range(6)]
    search = FakeSearch(near=[near])
    reply = ScriptedModel(["Bees dance in the hive.", NEXT])
    _, found = await ask(reply, passages=(Passage(BEES, tuple(said)),), search=search)
    assert [citation.start_s for citation in found.citations] == [10.0 * near]


async def test_a_list_of_which_only_the_end_changes_is_cut_short():
    """What Qwen2.5-Coder-1.5B wrote about a meeting: the same sentence with one word after another
    of the transcript."""
    subjects = ("hive", "dance", "food", "prize", "nest", "bees")
    loop = " ".join(f"The speaker also talks about the {subject}." for subject in subjects)
    model = ScriptedModel([loop, NEXT])
    _, found = await ask(model, search=FakeSearch(cosines=np.full(len(SAID), 0.6)))
    assert found.text.count("also talks") == 2
    assert "nest" not in model.spoken


async def test_without_passages_the_model_is_not_called():
    model = ScriptedModel([])
    pieces, found = await ask(model, passages=())
    assert (pieces, found.text, found.grounded, model.prompts) == ([], "", False, [])
    assert len(found.questions) == 3


async def test_links_mentions_and_markup_of_the_model_are_not_shown():
    reply = "**Bees** dance [1]. See [this](http://evil.example) or http://evil.example/x @everyone"
    _, found = await ask(ScriptedModel([reply, NEXT]))
    assert found.text == "Bees dance. [1]"


async def test_markup_inside_a_supported_sentence_is_removed():
    reply = "**Bees** dance in [the hive](http://evil.example), `@here`."
    _, found = await ask(ScriptedModel([reply, NEXT]))
    assert found.text == "Bees dance in the hive, @\u200bhere. [1]"


async def test_suggested_questions_extend_the_same_prompt_and_are_new():
    again = {"questions": ["who read the dance", "Why dance?", "What is a hive?"]}
    model = ScriptedModel(["Frisch [4].", again])
    _, found = await ask(model, turns=(earlier("Why dance?"),))
    first, second = model.prompts
    assert second[: len(first)] == first
    assert second[len(first)].text == "Frisch [4]."
    assert found.questions[0] == "What is a hive?"
    assert len(set(found.questions)) == 3
    assert not {"Who read the dance?", "Why dance?"} & set(found.questions)


@pytest.mark.parametrize("failure", ["{}", ModelFailed("x"), BadModelOutput("x"), ModelStalled(9)])
async def test_an_answer_stands_although_its_suggested_questions_fail(failure):
    _, found = await ask(ScriptedModel(["Frisch read it [4].", failure]))
    assert found.text == "Frisch read it. [1]"
    assert len(set(found.questions)) == 3
    assert all(found.questions)


async def test_hostile_questions_of_the_model_are_cleaned():
    evil = {"questions": ["[Why](http://e.vil/x)?", "@everyone?", "x" * 999]}
    _, found = await ask(ScriptedModel(["Frisch [4].", evil]))
    assert found.questions[:2] == ("Why ?", "@\u200beveryone?")
    assert len(found.questions[2]) <= 150


async def test_earlier_turns_are_in_the_prompt():
    model = ScriptedModel(["So [2].", NEXT])
    await ask(model, turns=(earlier("Where do they dance?"),))
    *history, last = [message.text for message in model.prompts[0][2:]]
    assert history == ["Question: Where do they dance?", "In the hive [1]."]
    assert last.startswith("Question: Who read the dance?\n\nAnswer in English")


async def test_a_long_conversation_loses_its_oldest_turns_and_says_so():
    turns = [earlier(f"Question number {n}?", "Bees dance. " * 90 + "[1]") for n in range(12)]
    model = ScriptedModel(["So [2].", NEXT], num_ctx=4096)
    _, found = await ask(model, turns=turns)
    asked = [message.text for message in model.prompts[0][2::2]]
    assert 1 < len(asked) < 12
    assert asked[-2] == "Question: Question number 11?"
    assert found.notes == ("history_shortened",)
    assert model.refused == 0


async def test_a_full_context_leaves_room_for_the_answer_and_suggested_questions():
    passages = [Passage(BEES, (Segment(n, n + 1, "Bees dance. " * 4),)) for n in range(400)]
    model = ScriptedModel(["Bees dance. " * 170, NEXT], num_ctx=4096)
    _, found = await ask(model, passages=passages)
    assert found.notes == ("passages_shortened",)
    assert found.questions == tuple(NEXT["questions"])
    assert model.refused == 0


async def test_too_many_passages_lose_the_worst_and_say_so():
    words = tuple(Segment(float(i), i + 1.0, f"Word {i} " * 40) for i in range(10))
    passages = [HIVE, *(Passage(TEA, words) for _ in range(9))]
    model = ScriptedModel(["Frisch [4].", NEXT], num_ctx=4096)
    _, found = await ask(model, passages=passages)
    assert SAID[3] in model.prompts[0][1].text
    assert found.notes == ("passages_shortened",)
    assert model.refused == 0


async def test_a_model_that_counts_more_tokens_gets_less():
    turns = [earlier(f"Question number {n}?", "Bees dance. " * 20 + "[1]") for n in range(40)]
    model = ScriptedModel(["Bees dance [1].", NEXT], num_ctx=4096, miscount=2.0)
    _, found = await ask(model, turns=turns)
    assert 0 < model.refused < 4
    assert found.text == "Bees dance. [1]"
    assert found.notes == ("history_shortened",)


async def test_a_prompt_that_cannot_be_shortened_enough_is_an_error():
    with pytest.raises(PromptTooLong):
        await ask(ScriptedModel([], num_ctx=200))


async def shown_until_it_breaks(model) -> list[str]:
    shown = []
    try:
        async for piece in answer(Asked("Why?", [HIVE], "en"), model, 99, NO_SEARCH):
            shown.append(piece)
    except CoreError as error:
        shown.append(error.code)
    return shown


async def test_a_model_that_fails_before_any_text_leaves_none():
    assert await shown_until_it_breaks(ScriptedModel([ModelFailed("x")])) == ["model_failed"]


async def test_an_error_after_some_text_is_raised():
    model = ScriptedModel([Broken("Frisch read it [4]. Then he", ModelStalled(60))])
    *shown, error = await shown_until_it_breaks(model)
    assert "".join(shown) == "Frisch read it. [1]"
    assert error == "model_stalled"


async def test_an_endless_answer_cites_only_what_is_shown():
    towns = ["".join(letters) for letters in product("bdfgklmnprst", "aeio", "lmnrst", ["ton"])]
    said = tuple(Segment(i, i + 1, f"Bees dance in {town}.") for i, town in enumerate(towns))
    reply = " ".join(segment.text for segment in said)
    model, passages = ScriptedModel([reply, NEXT]), (Passage(BEES, said),)
    _, found = await ask(model, passages=passages, max_tokens=4096)
    assert 5000 < len(found.text) <= 6000
    assert len(found.citations) == found.text.count("Bees") < len(towns)


def test_a_whole_transcript_fits_only_with_room_for_a_conversation():
    def lasting(count: int) -> Passage:
        return Passage(
            BEES,
            tuple(
                Segment(i, i + 1, "Forty letters are in this very sentence.") for i in range(count)
            ),
        )

    model = ScriptedModel([])
    assert fits([lasting(500)], model, 1024)
    assert not fits([lasting(1150)], model, 1024)


WRITTEN = st.lists(
    st.sampled_from(["[1]", "[2, 3]", "[4-9]", "【5】", "[0]", "[77]", "[", "]", " ", ". ", "NONE"])
    | st.sampled_from(["Bees dance", "http://e.vil/", "@here", "1944", "춤", "\n", "Tea"])
    | st.text(max_size=5),
    max_size=25,
)


@settings(max_examples=400)
@given(WRITTEN, st.integers(1, 9))
async def test_every_marker_shown_resolves_to_a_real_segment(parts, size):
    written, reply = (
        "".join(parts),
        Reply(FittedQuestion("Who dances?", (HIVE, POT), (), "en"), NO_SEARCH),
    )
    pieces = [await reply.feed(written[i : i + size]) for i in range(0, len(written), size)]
    shown = "".join([*pieces, await reply.close()])
    assert shown == reply.text
    found = reply.citations.found
    assert [int(n) for n in dict.fromkeys(re.findall(r"\[(\d+)\]", shown))] == [c.n for c in found]
    assert shown.count("[") == len(re.findall(r"\[\d+\]", shown))
    for citation in found:
        segments = {BEES.id: SEGMENTS, TEA.id: POT.segments}[citation.video_id]
        assert citation.start_s in [segment.start_s for segment in segments]
        assert citation.url.endswith(f"?t={int(citation.start_s)}")
