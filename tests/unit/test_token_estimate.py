"""The estimate of tokens: it errs upward, learns, and notices a prompt that was cut."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from core.language_model.token_estimate import TokenEstimate
from tests.counterparts.ollama.rules import pieces, prompt_tokens

KOREAN = "꿀벌은 춤으로 서로에게 꽃이 있는 곳을 알려 줍니다. 오늘은 그 춤을 함께 살펴보겠습니다. "
RUSSIAN = "Пчёлы танцуют, чтобы показать дорогу к цветам. "
ODD = (
    "I I I a a a ",
    "1,234.50 ",
    "[12] ",
    "!? -- ",
    "😀🐝",
    "Zürich café ",
    "\n\n",
    "    ",
    "ㅋㅋㅋ",
)


def counted(text: str) -> int:
    return prompt_tokens([{"role": "user", "content": text}])


@pytest.fixture(scope="module")
def sentences(assets: Path) -> list[str]:
    told = json.loads((assets / "lecture-10min-us.json").read_text("utf-8"))
    return [sentence["text"] for sentence in told["sentences"]]


@pytest.mark.parametrize("text", [KOREAN, RUSSIAN, *ODD])
def test_no_kind_of_text_is_taken_for_shorter_than_it_is(text: str) -> None:
    whole = (text * 50).rstrip(" ")
    assert TokenEstimate().tokens(whole) >= len(pieces(whole))


def test_of_ten_thousand_prompts_let_through_none_would_be_cut(sentences: list[str]) -> None:
    """All are about as long as the estimate allows, and it learns from each of them."""
    chance, num_ctx = random.Random(3), 384
    estimate, let_through = TokenEstimate(), []
    kinds = (sentences, sentences, [KOREAN, KOREAN[:18]], [RUSSIAN], ODD)
    for _ in range(10_000):
        some = [pick for kind in chance.sample(kinds, chance.randint(1, 3)) for pick in kind]
        text = " ".join(chance.choices(some, k=32))
        text = text[: len(text) * (num_ctx - 6) // estimate.prompt_tokens([text])]
        true = counted(text)
        if estimate.prompt_tokens([text]) < num_ctx:
            let_through.append(true)
        estimate.learn([text], true)
    assert len(let_through) > 5000
    assert 0.9 * num_ctx < max(let_through) < num_ctx


def test_a_thrifty_model_gets_longer_prompts_with_time(sentences: list[str]) -> None:
    text, estimate = " ".join(sentences), TokenEstimate()
    before = estimate.tokens(text)
    estimate.learn([text], round(0.7 * before))
    assert 0.7 * before < estimate.tokens(text) < 0.9 * before


def test_the_estimate_never_falls_below_what_was_seen(sentences: list[str]) -> None:
    dense, plain, estimate = " ".join(sentences[:60]), " ".join(sentences[60:]), TokenEstimate()
    seen = round(0.95 * estimate.tokens(dense))
    estimate.learn([dense], seen)
    estimate.learn([plain], round(0.6 * estimate.tokens(plain)))
    assert estimate.tokens(dense) >= seen


def test_a_count_above_the_estimate_raises_it_for_good(sentences: list[str]) -> None:
    text, estimate = " ".join(sentences), TokenEstimate()
    wasteful = 2 * estimate.tokens(text)
    estimate.learn([text], wasteful)
    estimate.learn([text[:9000]], 1000)
    assert estimate.tokens(text) >= wasteful


def test_a_long_template_is_not_blamed_on_the_text() -> None:
    estimate = TokenEstimate()
    before = estimate.tokens(KOREAN)
    estimate.learn(["Hello"], 120)
    assert estimate.prompt_tokens(["Hello"]) >= 120
    assert estimate.tokens(KOREAN) == before


def test_no_count_teaches_nothing(sentences: list[str]) -> None:
    text, estimate = " ".join(sentences), TokenEstimate()
    before = estimate.tokens(text)
    estimate.learn([text], 0)
    assert estimate.tokens(text) == before


def test_half_a_prompt_is_noticed_and_a_whole_one_is_not(sentences: list[str]) -> None:
    estimate = TokenEstimate()
    for text in (" ".join(sentences), KOREAN * 30):
        assert not estimate.was_cut([text], counted(text))
        assert estimate.was_cut([text], counted(text) // 2 - 10)
    assert not estimate.was_cut(["Hello"], 4)
