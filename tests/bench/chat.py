"""Measure a busy minute on Discord: a hundred channels, fifty queued jobs, five questions a second,
through the real adapter and real HTTP.

People and platform are this process, the bot is another one. `make torture` runs half an hour of it
on a virtual clock.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.bench.chat_alone import QUEUED
from tests.bench.figures import Row, percentile
from tests.counterparts.discord.http_front import API
from tests.counterparts.discord.server import TOKEN, DiscordServer
from tests.harness.fake_core import BEES

TALKS, QUESTIONS_A_SECOND, SECONDS = 50, 5, 60
QUESTION = "Who found the queen of the hive in Arden?"
FOUND, SUMMARY = r"\[1\]", "**Points**"
QUOTAS = {"videos_per_person": 1000, "questions_per_person": 1000}
PATIENCE_S, POLL_S = 120.0, 0.5


@dataclass
class Minute:
    """What people did, by message: the place where it is answered, and when they did it."""

    links: dict[str, tuple[str, float]] = field(default_factory=dict)
    questions: dict[str, tuple[str, float]] = field(default_factory=dict)


def measure(folder: Path) -> list[Row]:
    with DiscordServer() as platform:
        config = folder / "config.yaml"
        addresses = {"api_base": platform.url + API, "gateway_url": platform.gateway.url}
        settings = {"discord": {"token": TOKEN, **addresses}, "quotas": QUOTAS}
        config.write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-m", "tests.bench.chat_alone", str(config), str(folder)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as bot:
            assert bot.stdout
            assert bot.stdout.readline() == "here\n"
            minute, lost = asyncio.run(_spend(platform))
            loop = json.loads(bot.communicate()[0])
        return _rows(platform, minute, lost, loop)


async def _spend(platform: DiscordServer) -> tuple[Minute, int]:
    people, minute, dice = platform.people, Minute(), random.Random(4)
    places = [await people.make_channel(f"place-{n}") for n in range(TALKS + len(QUEUED))]
    talks = []
    for place in places[:TALKS]:
        talks.append(await people.write(place, f"https://youtu.be/{BEES.id}"))
    await _until(lambda: _count(platform, talks, SUMMARY), len(talks))
    for place, video in zip(places[TALKS:], QUEUED, strict=True):
        link = await people.write(place, f"https://youtu.be/{video.id}")
        minute.links[link] = link, platform.world.posts[link].at
    loop = asyncio.get_running_loop()
    began = loop.time()
    for n in range(QUESTIONS_A_SECOND * SECONDS):
        await asyncio.sleep(max(began + n / QUESTIONS_A_SECOND - loop.time(), 0))
        talk = talks[n % TALKS] if n < TALKS else dice.choice(talks)
        asked = await people.write(talk, QUESTION)
        minute.questions[asked] = talk, platform.world.posts[asked].at
    wanted = len(minute.questions), len(minute.links)
    answered = await _until(lambda: _count(platform, talks, FOUND), wanted[0])
    summed_up = await _until(lambda: _count(platform, list(minute.links), SUMMARY), wanted[1])
    return minute, abs(wanted[0] - answered) + abs(wanted[1] - summed_up)


async def _until(count: Callable[[], Awaitable[int]], wanted: int) -> int:
    """Wait until the count is reached, or patience ends, and return it."""
    for _ in range(round(PATIENCE_S / POLL_S)):
        if (found := await count()) >= wanted:
            break
        await asyncio.sleep(POLL_S)
    return found


async def _count(platform: DiscordServer, places: list[str], words: str) -> int:
    """Count the bot's messages that show these words now."""
    shown = [
        post.versions[-1].content or str(post.versions[-1].embeds)
        for post in list(platform.world.posts.values())
        if post.channel_id in places and post.author_id == platform.people.bot and post.versions
    ]
    return sum(words in one for one in shown)


def _rows(
    platform: DiscordServer, minute: Minute, lost: int, loop: dict[str, list[float]]
) -> list[Row]:
    threads = [_ack_s(platform, "/threads", *done) for done in minute.links.values()]
    answers = [_ack_s(platform, "", *done) for done in minute.questions.values()]
    front = platform.front
    about = f"{len(threads)} links, {len(answers)} questions, {len(front.requests)} requests"
    return [
        Row("chat: lost, or said twice", lost, "", 0, about),
        Row("chat: a thread is open, p99", 1000 * percentile(threads, 0.99), "ms", 1000,
            f"p50 {1000 * percentile(threads, 0.5):.0f} ms, all at once"),
        Row("chat: a question is acknowledged, p99", 1000 * percentile(answers, 0.99), "ms", 1000,
            f"p50 {1000 * percentile(answers, 0.5):.0f} ms"),
        Row("chat: the event loop is at one thing, at most", max(loop["busy_ms"]), "ms", 100,
            f"CPU time; p99.9 {percentile(loop['busy_ms'], 0.999):.1f} ms"),
        Row("chat: the event loop is late, at most", max(loop["late_ms"]), "ms", None,
            f"p99.9 {percentile(loop['late_ms'], 0.999):.1f} ms"),
        Row("chat: refused requests", len(front.refused + front.unguarded), "", 0,
            f"{len(front.limited)} met a rate limit"),
    ]  # fmt: skip


def _ack_s(platform: DiscordServer, path: str, place: str, at: float) -> float:
    """Return the seconds from an action to the first request in its place that responds to it."""
    return next(
        request.at - at
        for request in platform.front.requests
        if request.method == "POST"
        and request.at >= at
        and f"/{place}/" in request.path
        and request.path.endswith(path)
    )
