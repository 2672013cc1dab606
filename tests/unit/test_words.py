"""The texts of both languages: complete, alike, and naming only what exists."""

import re
import string
from pathlib import Path

import pytest

from bot.config import Config
from bot.words import Words
from core.config import Section

EN, KO = Words("en"), Words("ko")
COMMANDS = {"chat", "ingest", "ask", "search", "videos", "forget", "export", "doctor"} | {
    "backup",
    "restore",
    "jobs",
    "cancel",
    "worker",
    "run",
}
MAKEFILE = Path(__file__).parents[2] / "Makefile"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def dotted_keys(section: type[Section], above: str = "") -> set[str]:
    keys = set()
    for name, field in section.model_fields.items():
        keys.add(above + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            keys |= dotted_keys(field.annotation, f"{name}.")
    return keys


def test_both_languages_have_the_same_keys():
    assert EN.texts.keys() == KO.texts.keys()


def test_both_languages_use_the_same_facts():
    assert not [
        key for key in EN.texts if placeholders(EN.texts[key]) != placeholders(KO.texts[key])
    ]


def test_a_placeholder_is_a_fact_or_a_command_that_exists():
    known = EN.localised_commands()
    wrong = {
        key: name
        for key, text in EN.texts.items()
        for name in placeholders(text)
        if not name.isidentifier() and name not in known
    }
    assert not wrong


def test_each_text_is_one_line_in_one_language():
    texts = [*EN.texts.items(), *KO.texts.items()]
    assert not [key for key, text in texts if "\n" in text or not text.strip()]
    assert not [key for key, text in EN.texts.items() if re.search(r"[가-힣]", text)]


def test_korean_sentences_are_polite_in_one_voice():
    """Sentences end in 요; a label or a name may end in anything."""
    kinds = (".message", ".hint", ".fix")
    sentences = {key: text for key, text in KO.texts.items() if key.endswith(kinds)}
    assert not [key for key, text in sentences.items() if "요" not in text]
    other_voice = r"(습니다|십시오|한다|하라|세요)\."
    assert not [
        key for key, text in KO.texts.items() if re.search(other_voice, text.replace("주세요.", ""))
    ]


def test_korean_has_one_word_for_one_thing():
    avoid = {
        "대본": "스크립트",
        "받아쓴": "스크립트",
        "낱말": "키워드",
        "까닭": "원인",
        "그래픽 카드": "GPU",
        "저장소": "데이터베이스",
        "사본": "백업",
        "대답": "답변",
        "잊": "삭제",
        "지우": "삭제",
        "듣": "음성 인식",
        "되돌": "복원",
    }
    found = {
        key: f"{word} → {better}"
        for key, text in KO.texts.items()
        for word, better in avoid.items()
        if word in text
    }
    assert not found


def test_hints_name_only_commands_targets_and_settings_that_exist():
    texts = " ".join([*EN.texts.values(), *KO.texts.values()])
    targets = set(re.findall(r"^(\w+):", MAKEFILE.read_text(), re.MULTILINE))
    settings = re.findall(r"\b(?:speech|llm|embedding|gpu|limits|youtube)\.[a-z_]+", texts)
    assert set(re.findall(r"tubethread (\w+)", texts)) <= COMMANDS
    assert set(re.findall(r"\bmake (\w+)", texts)) <= targets
    assert settings
    assert set(settings) | {"data_dir", "database_url"} <= dotted_keys(Config)


def test_plurals_are_right_for_one():
    assert EN("videos.forgotten", count=1) == "Deleted 1 video."
    assert EN("videos.forgotten", count=0) == "Deleted 0 videos."
    long = EN("errors.video_too_long.message", minutes="61", max_minutes="1")
    assert long == "This video is 61 minutes long. The limit is 1 minute."
    assert KO("videos.forgotten", count=1) == "삭제한 영상: 1개"


def test_every_counted_noun_has_both_forms():
    """A number before a word in the plural needs `{count:video|videos}`."""
    plain = re.compile(r"\{\w+\} (videos|minutes|seconds|days|questions|jobs|tokens|channels)\b")
    assert not [key for key, text in EN.texts.items() if plain.search(text)]


def test_commands_are_named_as_people_type_them():
    assert "/videos" in KO("chat.hints.unknown_video")
    localised = KO("chat.hints.unknown_video", **KO.localised_commands())
    assert localised == "영상 목록은 /영상목록 명령으로 볼 수 있어요."
    assert EN.localised_commands()["/videos"] == "/videos"


def test_no_text_names_a_slash_command_outside_a_placeholder():
    name = re.compile(
        r"(?<![\w{/:.])/(" + "|".join(n[1:] for n in EN.localised_commands()) + r")\b"
    )
    texts = [*EN.texts.items(), *KO.texts.items()]
    assert not [key for key, text in texts if name.search(text)]


def test_braces_in_a_fact_do_no_harm():
    hostile = "{words.__init__.__globals__} {0} {missing} %s"
    assert hostile in EN("errors.not_a_link.message", text=hostile)


def test_an_unknown_key_and_a_missing_fact_are_refused():
    with pytest.raises(KeyError):
        EN("errors.no_such_thing.message")
    with pytest.raises(KeyError):
        EN("labels.covered", covered="1:00")


def test_a_fact_may_be_called_key():
    assert "llm.url" in EN("errors.config_invalid.message", key="llm.url", problem="not a URL")
