"""Which of our two languages a text is in, by its letters."""

import pytest

from core.text.languages import is_written_in


@pytest.mark.parametrize(
    ("text", "english", "korean"),
    [
        ("Bees dance.", True, False),
        ("꿀벌은 춤을 춘다.", False, True),
        ("Whisper와 OpenAI의 API를 비교해요", True, True),
        ("The Korean word for bee is 꿀벌.", True, False),
        ("De bijen dansen.", True, False),
        ("12:30 [3] — 50 %", True, True),
        ("", True, True),
    ],
)
def test_a_text_is_told_by_its_share_of_korean_letters(text, english, korean):
    assert is_written_in(text, "en") is english
    assert is_written_in(text, "ko") is korean


def test_no_text_is_in_the_wrong_language_where_we_cannot_tell():
    assert is_written_in("Bees dance.", "de")
