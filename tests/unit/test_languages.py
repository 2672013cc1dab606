"""Which of our two languages a text is in, by its letters and words."""

import pytest

from core.text.languages import is_written_in, language_of, spoken_language


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


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Why?", "en"),
        ("Explain transformer attention", "en"),
        ("What does 안녕하세요 mean?", "en"),
        ("Who is 김철수?", "en"),
        ("왜?", "ko"),
        ("Kubernetes란?", "ko"),
        ("Kubernetes와 Docker Compose의 차이는?", "ko"),
        ("'How to Build a Startup' 강의에서 뭐라고 했어?", "ko"),
        ("", ""),
        ("?", ""),
        ("3:20?", ""),
        ("OK?", ""),
        ("Visual Studio?", ""),
        ("Karl von Frisch?", ""),
        ("Où dansent les abeilles après midi?", ""),
    ],
)
def test_a_question_is_in_the_language_of_its_sentence_not_of_its_names(question, language):
    assert language_of(question) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Today we talk about the bees of Arden, and how they dance.", "en"),
        ("오늘은 Whisper와 OpenAI의 API를 비교해 보겠습니다.", "ko"),
        ("Heute sprechen wir über Bienen, und wie sie tanzen.", ""),
        ("今日は蜂について話します。", ""),
        ("12 34", ""),
        ("", ""),
    ],
)
def test_a_transcript_in_neither_language_is_called_neither(text, language):
    assert spoken_language(text) == language
