"""This file checks the words of both languages: complete, alike, and promising only what exists."""

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


@pytest.mark.parametrize("key", EN.texts)
def test_both_languages_put_in_the_same_facts(key):
    assert placeholders(EN.texts[key]) == placeholders(KO.texts[key])
    assert all(name.isidentifier() for name in placeholders(EN.texts[key]))


@pytest.mark.parametrize("key", EN.texts)
def test_each_text_is_in_its_language_and_on_one_line(key):
    hangul = re.compile(r"[가-힣]")
    assert hangul.search(KO.texts[key])
    assert not hangul.search(EN.texts[key])
    assert "\n" not in KO.texts[key] + EN.texts[key]


@pytest.mark.parametrize(
    "key", [key for key in KO.texts if key.endswith(("message", "hint", "fix"))]
)
def test_korean_speaks_politely_in_one_voice(key):
    assert "요" in KO.texts[key]
    assert not re.search(r"(습니다|십시오|한다|하라)\.", KO.texts[key])


@pytest.mark.parametrize("words", [EN, KO], ids=["en", "ko"])
def test_hints_name_only_commands_targets_and_settings_that_exist(words):
    texts = " ".join(words.texts.values())
    targets = set(re.findall(r"^(\w+):", MAKEFILE.read_text(), re.MULTILINE))
    settings = re.findall(r"\b(?:speech|llm|embedding|gpu|limits|youtube)\.[a-z_]+", texts)
    assert set(re.findall(r"tubethread (\w+)", texts)) <= COMMANDS
    assert set(re.findall(r"\bmake (\w+)", texts)) <= targets
    assert settings
    assert set(settings) | {"data_dir", "database_url"} <= dotted_keys(Config)


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
