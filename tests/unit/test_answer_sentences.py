"""A streamed answer is cut into whole sentences, with what the model cites for each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers.answer_sentences import AnswerSentence, SentenceStream


def cut(text: str, size: int = 3) -> list[AnswerSentence]:
    stream = SentenceStream()
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    return [sentence for piece in pieces for sentence in stream.feed(piece)] + stream.close()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Bees dance. Wasps build.", [("Bees dance.", ()), ("Wasps build.", ())]),
        ("Bees dance [1]. Wasps build [2].", [("Bees dance.", (1,)), ("Wasps build.", (2,))]),
        ("Bees dance. [1] Wasps build. [2][3]", [("Bees dance.", (1,)), ("Wasps build.", (2, 3))]),
        ("Bees dance [1-3, 7]!", [("Bees dance!", (1, 2, 3, 7))]),
        ("They dance [9-1].", [("They dance.", (1, 2, 3, 4))]),
        ("Dr. May has 3.5 hives. He sells.", [("Dr. May has 3.5 hives.", ()), ("He sells.", ())]),
        ("1. Bees dance.\n2. Wasps build.", [("1. Bees dance.", ()), ("2. Wasps build.", ())]),
        ("Yes. Bees dance.", [("Yes. Bees dance.", ())]),
        ("There are two:\n- bees\n- wasps", [("There are two: - bees", ()), ("- wasps", ())]),
        ("꿀벌은 춤춥니다.[2] 말벌은?", [("꿀벌은 춤춥니다.", (2,)), ("말벌은?", ())]),
        ("蜂は踊る。花が咲く。", [("蜂は踊る。", ()), ("花が咲く。", ())]),
        ("It broke off in the mid", [("It broke off in the mid", ())]),
        ("", []),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 999])
def test_sentences_end_where_a_reader_would_end_them(text, sentences, size):
    assert [(one.text, one.cited) for one in cut(text, size)] == sentences


@given(st.text(st.sampled_from("ab. \n?!。1가:"), max_size=40), st.integers(1, 9))
def test_no_word_is_lost_however_the_stream_is_cut(text, size):
    assert "".join("".join(one.text.split()) for one in cut(text, size)) == "".join(text.split())
