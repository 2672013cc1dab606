"""The whole program with Telegram's webhook and without a language model: files that people send,
and a channel's posts.
"""

from __future__ import annotations

from pathlib import Path
from socket import socket

import httpx
import pytest
import pytest_asyncio

from tests.counterparts.telegram.server import BOT_NAME, TOKEN, TelegramServer
from tests.counterparts.telegram.webhook import SECRET
from tests.counterparts.youtube.recorded_videos import CAPTIONED
from tests.harness.eventually import eventually
from tests.harness.program import Program
from tests.harness.telegram_conversation import Conversation, questions
from tests.harness.terminal import Terminal

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHIPS = Path(__file__).parents[1] / "assets" / "lecture-10min-f2.opus"
SUBTITLES = b"""1
00:00:01,000 --> 00:00:05,000
The hive of Arden has two queens.

2
00:00:05,000 --> 00:00:09,000
The flowers of Kelso are far away.
"""


@pytest.fixture(scope="module")
def platform():
    with TelegramServer() as platform:
        yield platform
        assert platform.refused == []
        assert platform.limited == []
        assert platform.called("getUpdates") == []


@pytest.fixture(scope="module")
def port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(platform, port, tmp_path_factory):
    program = Program(
        Terminal(tmp_path_factory.mktemp("webhook")), telegram=platform, webhook_port=port
    )
    await program.start()
    await eventually(lambda: platform.called("setWebhook"))
    yield program
    program.stop()
    secrets = TOKEN.partition(":")[2], platform.called("setWebhook")[0].given["secret_token"]
    for written in (program.said, (program.data / "tubethread.log").read_text()):
        assert "Traceback" not in written
        assert not any(secret in written for secret in secrets)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(platform, program) -> Conversation:
    """Ada's private chat."""
    return Conversation(
        platform, await platform.people.open_private(await platform.people.meet("Ada"))
    )


async def test_what_does_not_come_from_telegram_is_not_heard(platform, port, ada):
    await platform.updates.hold()
    asked = await ada.write("/videos", author=ada.chat)
    update = platform.updates.told[-1]
    async with httpx.AsyncClient() as stranger:
        for headers in ({}, {SECRET: "a guess"}):
            url = f"http://127.0.0.1:{port}/telegram"
            assert (await stranger.post(url, json=update, headers=headers)).status_code == 403
    await platform.updates.release()
    await ada.said("No videos yet", asked)
    await eventually(lambda: (update["update_id"], 200) in platform.deliveries)
    await ada.said("No jobs", await ada.write("/status", author=ada.chat))
    assert len([one for one in await ada.ours() if "No videos yet" in one.text]) == 1


async def test_a_recording_that_is_sent_becomes_a_video(platform, ada):
    media = SHIPS.read_bytes()[:120_000]
    sent = await platform.people.upload(ada.chat, "ships.opus", media, "audio", author=ada.chat)
    summary = await ada.summary(sent)
    assert len(questions(summary)) == 3
    [bars] = await ada.bars()
    assert len(bars) >= 2, "it moves, how often depends on the machine"
    assert summary.text.startswith("ships\n")
    assert "Transcribed by Whisper" in summary.text
    assert summary.links == {}
    asked = await ada.write("What was the ship Victoria full of?", author=ada.chat)
    answer = await ada.answer(asked)
    assert "coal" in answer.text


async def test_subtitles_that_are_sent_become_a_video(platform, program):
    talk = Conversation(platform, platform.people.group)
    await platform.people.upload(talk.chat, "hive.srt", SUBTITLES, caption=f"@{BOT_NAME}")
    summary = await talk.summary()
    assert summary.text.startswith("hive\n")
    assert "Subtitle file" in summary.text
    asked = await talk.write("How many queens has the hive of Arden?", reply_to=summary.id)
    answer = await talk.said("two queens", asked)
    assert answer.reply_to == asked


async def test_a_file_that_no_bot_may_fetch_is_told(platform, ada):
    people, size = platform.people, 20 * 2**20 + 1
    sent = await people.upload(ada.chat, "long.mp3", b"ID3", "audio", size=size, author=ada.chat)
    told = (await ada.said("larger", sent)).text
    assert "long.\u200bmp3 is larger than 20 MB" in told, "the name is no link"
    files = [call.given["file_id"] for call in platform.called("getFile")]
    assert platform.world.chats[ada.chat].posts[sent].now.media.file_id not in files


async def test_a_channels_post_is_summed_up_where_it_is_discussed(platform, program):
    people = platform.people
    talk = Conversation(platform, await people.make_supergroup("Discussion"))
    channel = await people.make_channel("Bees", talk.chat)
    await people.promote(talk.chat, people.bot)
    _, post = await people.post(channel, f"Today: https://youtu.be/{CAPTIONED}")
    summary = await talk.summary(post)
    assert summary.reply_to == post
    assert "Bees dance to show where the flowers are." in summary.text
    assert await Conversation(platform, channel).ours() == []
