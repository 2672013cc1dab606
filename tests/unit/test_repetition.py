"""A model that says the same over and over is noticed, a table is not."""

from __future__ import annotations

import pytest

from core.language_model.repetition import MAX_REPEATS, Repetition
from tests.counterparts.ollama.rules import pieces


def notices(said: list[str]) -> bool:
    repetition = Repetition()
    return any([repetition.is_endless(piece) for piece in said])


@pytest.mark.parametrize(
    "again", ["bee ", "ㅋ", "I do not know. ", "And so on and so forth,\n", "\n"]
)
def test_more_than_thirty_times_is_a_loop(again: str) -> None:
    said = pieces("The bees. " + again * 4 * (MAX_REPEATS + 1))
    assert notices(said)
    assert notices(["The bees. " + again * MAX_REPEATS * 2, *said])


def test_thirty_times_is_none() -> None:
    assert not notices(pieces("I do not know. " * MAX_REPEATS))
    assert not notices(["the"] * MAX_REPEATS + [" end"] + ["the"] * MAX_REPEATS)


def test_rulers_and_blanks_in_few_pieces_are_none() -> None:
    assert not notices(["| a | b |\n", "|" + "-" * 120 + "|", "\n" + " " * 120, "=" * 200])


def test_silence_between_the_pieces_is_none() -> None:
    assert not notices([""] * 100)


def test_a_list_that_differs_is_none() -> None:
    assert not notices(pieces("".join(f'{{"text": "bee", "segment": {n}}}, ' for n in range(300))))
