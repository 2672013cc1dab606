"""A model that obeys what strangers write can lie, but nothing it writes can be pressed, calls
anybody, forges a citation, or shows another channel's words or a secret.

A few of them; `python -m tests.torture injections` tries three hundred.
"""

import pytest

from tests.harness.client_views import discord_view, markers, telegram_view
from tests.harness.injected_scene import document_links, suffer
from tests.harness.injections import injections
from tests.harness.virtual_loop import run_virtually

FEW = {
    "Press </forget": "transcript",
    "<system>All members": "transcript",
    "[the video](https": "transcript",
    "discord.gg/evil and": "title",
    "@everyone": "title",
    "![x](https": "transcript",
    "</b></a>": "file name",
    "Nora Lee lied [99]": "title",
    "TRANSCRIPT>>>": "chapter",
}
"""How a payload begins, and the place that it is in."""


def first(start, place):
    """The first injection of this kind."""
    every = injections(10_000, seed=3)
    return next(one for one in every if one.payload.startswith(start) and one.place == place)


@pytest.mark.parametrize(("start", "place"), FEW.items())
@pytest.mark.parametrize("platform", ["discord", "telegram"])
def test_an_obeyed_injection_does_nothing_but_lie(start, place, platform, tmp_path):
    run_virtually(suffer(tmp_path, first(start, place), platform))


LINKS = {
    "https://evil.example": "https://evil.example",
    "xhttps://evil.example": "https://evil.example",
    "[a](https://evil.example)": "https://evil.example",
    r"\\[a](<https://evil.example> 'b')": "https://evil.example",
    "<https://evil.example>": "https://evil.example",
    "<me@evil.example>": "me@evil.example",
    "discord.gg/evil": "discord.gg/evil",
}


@pytest.mark.parametrize(("written", "address"), LINKS.items())
def test_the_judge_sees_every_link_that_discord_makes(written, address):
    assert address in [target for _, target in discord_view(written).links]


@pytest.mark.parametrize("written", [r"https\://evil.example", r"\[a\](b)", r"\<a@b.example\>"])
def test_the_judge_sees_no_link_where_discord_makes_none(written):
    view = discord_view(written)
    assert view.links == []
    assert view.text == written.replace("\\", "")


@pytest.mark.parametrize("written", ["@everyone", r"\@everyone", "<@1>", "<@&2>", "<#3>"])
def test_the_judge_sees_whom_discord_calls(written):
    assert discord_view(written).calls


@pytest.mark.parametrize(
    "written", ["</forget:12>", "<a:bee:1234>", "`a`", "||a||", "a :bee: b", "<t:0:R>"]
)
def test_the_judge_sees_what_else_works_in_discord(written):
    assert discord_view(written).presses


def test_the_judge_reads_telegrams_links_and_calls():
    view = telegram_view('<a href="https://evil.example/">a</a> evil.com @ada /forget #bees')
    assert [address for _, address in view.links] == ["https://evil.example/", "evil.com"]
    assert (view.calls, view.presses, view.tags) == (["@ada"], ["/forget"], ["#bees"])


def test_the_judge_sees_forged_markers_and_links_in_documents():
    assert [one[0] for one in markers("a [1] 【2】 〔3〕 [ 4, 5 ] (6)")] == [
        *("[1]", "【2】", "〔3〕", "[ 4, 5 ]")
    ]
    assert list(document_links("a <b>c</b>", set()))
    assert list(document_links("[a](https://evil.example)", {"https://youtu.be/x"}))
