"""Sentences that say little on their own."""

import pytest

from core.text.sentences import announces, are_whole, points_back


@pytest.mark.parametrize("text", ["It can dive.", "They left.", "이것은 집입니다.", "그는 갔다."])
def test_it_and_they_point_back(text):
    assert points_back(text)
    assert not points_back("Italy is old.")


@pytest.mark.parametrize("text", ["Now we talk about whales.", "꿀벌에 대해 이야기하겠습니다."])
def test_what_will_be_said_is_announced(text):
    assert announces(text)
    assert not announces("Whales talk.")


def test_parts_of_a_cut_sentence_are_not_whole():
    texts = ["비가 옵니다", "그래서 우리가 나가려고 하는데", "해가 졌어요", "갑니다."]
    assert are_whole(texts) == [True, False, False, True]
    assert all(are_whole(["no full stop", "in any line", "It rains."]))
