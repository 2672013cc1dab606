"""This file checks what doctor makes of what it finds, and that it can tell all of it."""

import asyncio
import inspect
import re
from dataclasses import fields, replace
from datetime import date
from itertools import product

import pytest

from bot.cli import json_events
from bot.cli.doctor import check_tokens
from bot.config import Config, Discord
from bot.rendering.checks import describe_check, render_checks
from bot.words import Words
from core import errors
from core.config import Core
from core.doctor.machine import judge_disk
from core.doctor.run_checks import ROUNDS, examine
from core.doctor.youtube import judge_deno, judge_yt_dlp
from core.model import Check

EN, KO = Words("en"), Words("ko")
FACTS = {
    fact: "7"
    for fact in re.findall(r"{(\w+)[:}]", " ".join(EN.texts[k] for k in EN.texts if "checks." in k))
}
CASES = sorted(
    tuple(key.split(".")[1:3]) for key in EN.texts if re.fullmatch(r"checks\.\w+\.\w+\.detail", key)
)
WELL = {
    ("gpu", "none"),
    ("caches", "none"),
    ("ollama", "unwanted"),
    ("ollama", "answers"),
    ("discord_messages", "unwanted"),
    ("telegram_groups", "private"),
    ("telegram_webhook", "polling"),
}
PLATFORMS = (
    *("discord", "discord_messages", "discord_rights"),
    *("telegram", "telegram_groups", "telegram_webhook"),
)
"""Asked only where they have a token."""
LEAVES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.CoreError) and not kind.__subclasses__()
]
EXAMPLES = {"float": 5.0, "int": 7, "str": "seven", "tuple[str, ...]": ("DE", "FR")}
TODAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("free_gb", "status"), [(0.49, "fail"), (0.5, "warn"), (4.99, "warn"), (5.0, "ok")]
)
def test_a_disk_is_scarce_below_5_gb_and_too_small_below_half_a_gb(free_gb, status):
    assert judge_disk(free_gb).status == status


@pytest.mark.parametrize(
    ("told", "status", "case"),
    [
        (None, "fail", "missing"),
        ("command not found", "fail", "missing"),
        ("deno 2.2.15 (stable, release, x86_64)\nv8 13", "fail", "too_old"),
        ("deno 1.46.3", "fail", "too_old"),
        ("deno 2.3.0 (stable)", "ok", "ok"),
        ("deno 2.10.1 (stable)", "ok", "ok"),
    ],
)
def test_deno_must_be_as_new_as_yt_dlp_wants_it(told, status, case):
    check = judge_deno(told)
    assert (check.status, check.case) == (status, case)


@pytest.mark.parametrize(
    ("version", "solver", "status", "case"),
    [
        ("2026.11.25", "0.8.0", "ok", "ok"),
        ("2026.12.1", "0.8.0", "ok", "ok"),  # the clock may be wrong
        ("2026.8.27", "0.8.3", "ok", "ok"),
        ("2026.8.26", "0.8.0", "warn", "old"),
        ("2026.5.29", "0.8.0", "warn", "old"),
        ("2026.5.28", "0.8.0", "fail", "too_old"),
        ("2026.11.25.123456", "", "fail", "no_solver"),
        ("2026.11.25", "0.7.0", "fail", "other_solver"),
    ],
)
def test_yt_dlp_is_judged_by_its_age_and_its_solver(version, solver, status, case):
    check = judge_yt_dlp(version, solver, "0.8.0", TODAY)
    assert (check.status, check.case) == (status, case)


async def test_no_check_stops_another():
    async def well(_):
        return Check("disk", "ok", facts={"free_gb": 9.0})

    async def silent(_):
        return None

    async def hanging(_):
        await asyncio.Event().wait()

    async def failing(_):
        raise errors.StoreBroken("SQLITE_CORRUPT")

    async def surprised(_):
        raise ZeroDivisionError("secret at /home/ada")

    first = {"ollama": hanging, "store": failing, "language_model": silent, "gpu": surprised}
    found = await examine(Core(), [first, {"disk": well}], limit_s=0.05)
    assert [(check.name, check.status) for check in found] == [
        ("ollama", "fail"),
        ("store", "fail"),
        ("gpu", "fail"),
        ("disk", "ok"),
    ]
    screen = render_checks(found, EN)
    assert "Timed out." in screen
    assert "Something went wrong" in screen
    assert "secret" not in screen


def test_the_tokens_that_are_set_are_named_and_never_shown():
    config = Config(discord=Discord(token="s3cret"))
    told = describe_check(check_tokens(config), EN)
    assert (told.status, told.fix) == ("ok", "")
    assert "Discord" in told.detail
    assert "s3cret" not in told.detail
    assert check_tokens(Config()).status == "warn"


def test_there_are_words_for_every_check_and_no_others():
    names = {name for checks in ROUNDS for name in checks} | {"tokens", *PLATFORMS}
    told = {key.split(".")[1] for key in EN.texts if key.startswith("checks.")}
    assert told == names | {"statuses", "errors", "slow"}
    assert all(f"checks.{name}.name" in EN for name in names)


def test_every_check_with_a_problem_has_a_fix():
    wrong = []
    for words, (name, case) in product((EN, KO), CASES):
        told = describe_check(Check(name, "warn", case, FACTS), words)
        is_well = case == "ok" or (name, case) in WELL
        if bool(told.fix) == is_well or not told.detail or "{" in told.detail + told.fix:
            wrong.append((words.language, name, case))
    assert not wrong


def test_doctor_sends_nobody_to_doctor():
    wrong = []
    for words, kind in product((EN, KO), LEAVES):
        error = kind(*(EXAMPLES[field.type] for field in fields(kind)))
        fix = describe_check(Check("store", "fail", error=error), words).fix
        if not fix or "tubethread doctor" in fix:
            wrong.append((words.language, kind.__name__))
    assert not wrong


@pytest.mark.parametrize("words", [EN, KO], ids=["en", "ko"])
def test_the_event_has_exactly_the_promised_fields_and_stable_names(words):
    low = Check("disk", "warn", "scarce", {"free_gb": 3.2})
    event = json_events.checks_event([low], words)
    assert list(event) == ["event", "checks"]
    (told,) = event["checks"]
    assert list(told) == ["name", "status", "detail", "fix"]
    assert (told["name"], told["status"]) == ("disk", "warn")
    assert "3.2" in told["detail"]


def test_facts_cannot_command_a_terminal_or_show_folders():
    hostile = Check("speech_model", "ok", facts={"model": "\x1b[2J/home/ada/models/tiny\nok  fake"})
    screen = render_checks([hostile, replace(hostile, name="embedder")], EN)
    assert len(screen.splitlines()) == 2
    assert "\x1b" not in screen
    assert "ada" not in screen
