"""This file checks the evaluation's own arithmetic and readers."""

from __future__ import annotations

import math

import pytest

from tests.eval.datasets import Span, lectures, meetings, shortened, talk
from tests.eval.language_models import inventions, sentences
from tests.eval.metrics import auc, is_relevant, ndcg, share
from tests.eval.tables import Table, fallen


def test_a_place_is_relevant_if_half_of_it_is_gold_or_it_holds_a_gold_span() -> None:
    assert is_relevant(Span(0, 10), [Span(0, 3), Span(8, 90)])
    assert not is_relevant(Span(0, 10), [Span(6, 90)])
    assert is_relevant(Span(0, 100), [Span(50, 51)])
    assert not is_relevant(Span(0, 10), [Span(20, 30)])


@pytest.mark.parametrize(
    ("rank", "gain"), [(1, 1.0), (2, 1 / math.log2(3)), (10, 1 / math.log2(11))]
)
def test_the_gain_of_one_relevant_text_falls_with_its_rank(rank: int, gain: float) -> None:
    assert ndcg([False] * (rank - 1) + [True]) == pytest.approx(gain)


def test_a_text_beyond_the_tenth_rank_gains_nothing() -> None:
    assert ndcg([False] * 10 + [True]) == 0


def test_the_area_under_the_curve_is_the_share_of_right_pairs() -> None:
    positive, negative = [0.9, 0.5, 0.5], [0.1, 0.5, 0.7]
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]

    assert auc(positive, negative) == pytest.approx(share(pairs))


def test_the_ratchet_tells_of_falls_beyond_two_points_and_of_what_is_gone() -> None:
    before = {"kept": 0.5, "fallen": 0.5, "risen": 0.5, "gone": 0.5}

    lines = fallen(before, {"kept": 0.481, "fallen": 0.479, "risen": 0.9})

    assert lines == ["fallen: 0.500 before, 0.479 now", "gone: 0.500 before, not measured now"]


def test_a_table_keeps_only_the_figures_of_the_rows_it_names() -> None:
    table = Table(
        "t", "Title", "About.", ("a", "b"), {"ours": (1.0, 0.5), "seed": (0.1, 0.2)}, ["ours"]
    )

    assert table.figures() == {"t / ours / a": 1.0, "t / ours / b": 0.5}
    assert "| seed | .100 | .200 |" in table.markdown()


def test_every_gold_span_of_the_meetings_holds_sentences() -> None:
    for meeting in meetings():
        places = [Span(sentence.start_s, sentence.end_s) for sentence in meeting.sentences]
        for question in meeting.questions:
            assert any(is_relevant(place, question.gold) for place in places), question


def test_a_quick_run_has_meetings_of_every_subject() -> None:
    kept = shortened(meetings(), 2)

    assert len(kept) == 6
    assert len({meeting.subject for meeting in kept}) == 3


def test_lectures_and_talks_have_questions_with_times() -> None:
    assert all(question.gold for lecture in lectures() for question in lecture.questions)
    unanswerable = [question for question in talk("ko", "en").questions if not question.gold]
    assert len(unanswerable) == 2


def test_a_marker_belongs_to_the_sentence_before_it() -> None:
    assert sentences("Bees dance [1][2]. They fly. [3]\nWhy?") == [
        "Bees dance [1][2].",
        "They fly. [3]",
        "Why?",
    ]


def test_numbers_and_names_that_nobody_said_are_found() -> None:
    said = "Nora Lee built it for $3.50 in nineteen thirty one."

    assert inventions("Nora Lee built it for 3.50 [12].", said) == []
    assert inventions("It saved CO2.", said) == []
    assert inventions("It was built by Ada Lee for 4 euros [1].", said) == ["Ada", "4"]
