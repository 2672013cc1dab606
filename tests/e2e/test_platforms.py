"""One process serves Discord and Telegram at once over one store: what they share, what they don't,
and what one does while the other is unreachable.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from socket import socket

import httpx
import pytest
import pytest_asyncio
import yaml

from bot.single_server import serving_alone
from core.config import LOG_FILE
from tests.counterparts.discord.cards import description
from tests.counterparts.discord.people import Seen as DiscordSeen
from tests.counterparts.discord.server import DiscordServer, serving
from tests.counterparts.ollama.lecture_model import lecture
from tests.counterparts.ollama.server import OllamaServer, running
from tests.counterparts.telegram.people import Seen as TelegramSeen
from tests.counterparts.telegram.server import BOT, BOT_NAME, TelegramServer
from tests.counterparts.youtube.recorded_videos import ANSWER, CAPTIONED, LECTURE, QUESTION
from tests.harness.eventually import eventually
from tests.harness.metrics import Exported
from tests.harness.program import Program
from tests.harness.terminal import REPLAY, Terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINK = f"https://youtu.be/{LECTURE}"
SUBTITLES = b"1\n00:00:01,000 --> 00:00:05,000\nThe hive of Arden has two queens.\n"


@pytest.fixture(scope="module")
def discord():
    with serving(window_s=1.0) as discord:
        yield discord
        assert discord.front.refused == []


@pytest.fixture(scope="module")
def telegram():
    with TelegramServer() as telegram:
        yield telegram
        assert telegram.refused == telegram.limited == []


@pytest.fixture(scope="module")
def port() -> int:
    """Return where the operator reads metrics and health."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(discord, telegram, port, tmp_path_factory):
    with running(OllamaServer(lecture)) as ollama:
        terminal = Terminal(tmp_path_factory.mktemp("platforms"))
        settings = {
            "llm": {"engine": "ollama", "url": ollama.url},
            "metrics": {"port": port},
            "log": {"format": "json"},
        }
        program = Program(terminal, discord=discord, telegram=telegram, **settings)
        await program.start()
        yield program
        assert "Traceback" not in program.stop()
        lines = [json.loads(line) for line in (program.data / LOG_FILE).read_text().splitlines()]
        assert all(line.keys() >= {"time", "level", "logger", "event"} for line in lines)
        assert ollama.breaches == []


async def test_no_other_process_of_the_data_folder_could_serve_meanwhile(program):
    for platform in ("discord", "telegram"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), serving_alone(program.data, platform):
                pass


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def summaries(discord, telegram, program) -> tuple[DiscordSeen, TelegramSeen]:
    """Return both summaries of one link that was pasted on both platforms at once."""
    people = discord.people
    link, _ = await asyncio.gather(
        people.write(people.channel, LINK),
        telegram.people.write(telegram.people.group, f"@{BOT_NAME} {LINK}"),
    )
    return await on_discord(discord, link, "Topic"), await on_telegram(telegram, "Topic")


async def on_discord(platform: DiscordServer, place: str, wanted: str) -> DiscordSeen:
    """Wait for the bot's message that has buttons and contains `wanted`."""

    async def find() -> DiscordSeen | None:
        for seen in await platform.people.messages(place):
            is_ours = seen.author == platform.people.bot and seen.buttons
            if is_ours and wanted in seen.text + description(seen):
                return seen
        return None

    found = await eventually(find)
    assert found
    return found


async def on_telegram(platform: TelegramServer, wanted: str, chat: int = 0) -> TelegramSeen:
    async def find() -> TelegramSeen | None:
        for seen in await platform.people.messages(chat or platform.people.group):
            if seen.author == BOT and seen.buttons and wanted in seen.text:
                return seen
        return None

    found = await eventually(find)
    assert found
    return found


async def is_answered_on_discord(platform: DiscordServer) -> bool:
    """Ask in the link's thread, and return whether the answer is right."""
    people = platform.people
    thread = (await people.threads(people.channel))[0].id
    asked = await people.write(thread, QUESTION)

    async def find() -> list[str]:
        seen = [one for one in await people.messages(thread) if int(one.id) > int(asked)]
        return [one.text for one in seen if one.buttons]

    return ANSWER in (await eventually(find))[0]


async def is_answered_on_telegram(platform: TelegramServer, asked: int) -> bool:
    """Return whether the reply to the question `asked` is right."""

    async def find() -> list[str]:
        seen = await platform.people.messages(platform.people.group)
        return [one.text for one in seen if one.reply_to == asked and one.buttons]

    return ANSWER in (await eventually(find))[0]


async def ask_on_telegram(platform: TelegramServer, summary: TelegramSeen) -> int:
    return await platform.people.write(summary.chat, QUESTION, reply_to=summary.id)


async def told(port: int, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        return await client.get(path)


async def is_connected(port: int, platform: str) -> bool:
    """Return what the program says of a platform; all else must be well."""
    checks = (await told(port, "/readyz")).json()["checks"]
    reason = checks.pop(platform)
    assert reason in ("ok", "not connected")
    return reason == "ok"


def seconds(text: str) -> set[int]:
    return {int(s) for s in re.findall(rf"{LECTURE}\?t=(\d+)", text)}


async def test_a_link_pasted_on_both_is_heard_once(program, summaries):
    with sqlite3.connect(f"file:{program.data / 'tubethread.db'}?mode=ro", uri=True) as database:
        works = "SELECT name, count(*) FROM workflow_status GROUP BY name"
        counts = dict(database.execute(works).fetchall())
    assert counts == {"order": 2, "ingest": 1}


async def test_both_read_the_same_summary(summaries):
    on_one, on_the_other = summaries
    assert seconds(description(on_one)) == seconds(" ".join(on_the_other.links.values())) != set()
    assert list(on_one.buttons.values())[:3] == [row[0] for row in on_the_other.buttons[:3]]


async def test_the_operator_reads_what_was_done_and_that_all_is_well(port, program, summaries):
    ready = await told(port, "/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert ready.json()["checks"].keys() == {"discord", "telegram", "store", "worker"}
    found = Exported((await told(port, "/metrics")).content)
    assert found.by("tubethread_jobs_ended_total", "outcome") == {"done": 2}
    assert found.value("tubethread_job_wait_seconds_count") == 2
    assert found.value("tubethread_model_seconds_count", kind="json") > 0
    assert found.value("tubethread_child_starts_total", child="fetch") > 0
    assert found.value("tubethread_speech_audio_seconds_total") > 0
    deliveries = found.by("tubethread_deliveries_total", "platform")
    assert deliveries.keys() == {"discord", "telegram"}
    assert not {LECTURE, "Ada", program.data.name} & set(re.findall(r'"([^"]*)"', found.text))


async def test_each_channel_knows_only_what_was_wanted_there(discord, telegram, program, summaries):
    people = discord.people
    captioned = await people.write(people.channel, f"https://youtu.be/{CAPTIONED}")
    await on_discord(discord, captioned, "Topic")
    person = await telegram.people.open_private(await telegram.people.meet("Ada"))
    await telegram.people.upload(person, "hive.srt", SUBTITLES, author=person)
    await on_telegram(telegram, "two queens", chat=person)
    await telegram.people.write(person, "/videos", author=person)

    async def listed() -> str:
        seen = await telegram.people.messages(person)
        texts = [one.text for one in seen if one.author == BOT and "hive" in one.text]
        return texts[-1] if len(texts) > 1 else ""

    assert "A short lecture" not in await eventually(listed)
    await people.slash(people.channel, "videos")

    async def listed_there() -> str:
        seen = await people.messages(people.channel)
        return next((one.text for one in seen if one.ephemeral and LECTURE in one.text), "")

    videos = await eventually(listed_there)
    assert CAPTIONED in videos
    assert "hive" not in videos


async def test_while_discord_is_away_telegram_answers(discord, telegram, port, program, summaries):
    with discord.away():
        asked = await ask_on_telegram(telegram, summaries[1])
        assert await is_answered_on_telegram(telegram, asked)
        assert not await is_connected(port, "discord")
    await eventually(lambda: discord.gateway.connected == 1)
    assert await eventually(lambda: is_connected(port, "discord"))
    assert await is_answered_on_discord(discord)


async def test_while_telegram_is_away_discord_answers_and_nothing_is_lost(
    discord, telegram, program, summaries
):
    with telegram.away():
        before = len(telegram.calls)
        asked = await ask_on_telegram(telegram, summaries[1])
        assert await is_answered_on_discord(discord)
        assert len(telegram.calls) == before
    assert await is_answered_on_telegram(telegram, asked)


async def test_at_the_start_telegram_is_waited_for(discord, telegram, port, program, summaries):
    program.kill()
    with telegram.away():
        await program.start(away="Telegram")
        assert await is_answered_on_discord(discord)
        assert not await is_connected(port, "telegram")
    await program.says("Connected to Telegram. Press Ctrl-C to stop.\n")
    assert await eventually(lambda: is_connected(port, "telegram"))


async def test_at_the_start_discord_is_waited_for(discord, telegram, program, summaries):
    program.kill()
    with discord.away():
        await program.start(away="Discord")
        asked = await ask_on_telegram(telegram, summaries[1])
        assert await is_answered_on_telegram(telegram, asked)
    await program.says("Connected to Discord. Press Ctrl-C to stop.\n")


@pytest.mark.parametrize("wrong", ["discord", "telegram"])
async def test_a_wrong_token_stops_the_program_at_the_start(discord, telegram, tmp_path, wrong):
    terminal = Terminal(tmp_path)
    Program(terminal, discord=discord, telegram=telegram)
    settings = yaml.safe_load(terminal.config.read_text())
    settings[wrong]["token"] = "123456789:a-token-of-yesterday"
    terminal.config.write_text(yaml.safe_dump(settings))
    ran = await asyncio.to_thread(terminal.run, "run", **REPLAY)
    assert ran.code == 78
    assert f"{wrong}.token" in ran.err + ran.out
    assert "yesterday" not in ran.err + ran.out
