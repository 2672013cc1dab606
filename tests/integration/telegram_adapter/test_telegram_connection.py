"""Receiving updates by webhook and polling, through outages, and `doctor`'s checks."""

import asyncio
import logging
from contextlib import asynccontextmanager
from socket import socket

import httpx
import pytest

from bot.chat import Busy, Command
from bot.cli.run_command import silence_libraries
from bot.telegram_adapter.connect import open_telegram
from bot.telegram_adapter.doctor_checks import check_telegram
from bot.telegram_adapter.listener import EventListener
from bot.telegram_adapter.serve import serve as serve_telegram
from bot.telegram_adapter.updates import HANDLING_S, SECRET_HEADER, Polling
from core.errors import ConfigInvalid
from tests.counterparts.telegram.refusal import OTHER_POLLER
from tests.counterparts.telegram.server import BOT_NAME, TOKEN
from tests.fakes.chat import says
from tests.fakes.receiver import ScriptedReceiver, soon
from tests.harness.eventually import eventually
from tests.harness.telegram_adapter import section, serving_bot

# Receiving updates


async def test_a_webhook_delivers_updates_and_refuses_strangers(
    platform, receiver, tmp_path, private
):
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/telegram"
    settings = {"webhook_url": url, "webhook_port": port}
    async with serving_bot(platform, tmp_path, receiver, **settings):
        await eventually(lambda: platform.called("setWebhook"))
        await platform.people.write(private, "hello", author=private)
        assert (await soon(receiver.messages)).text == "hello"
        async with httpx.AsyncClient() as stranger:
            for headers in ({}, {SECRET_HEADER: "a guess"}, {SECRET_HEADER: b"\xe9"}):
                answer = await stranger.post(url, json={"update_id": 1}, headers=headers)
                assert answer.status_code == 403
    async with serving_bot(platform, tmp_path, receiver):  # polls again from now on
        await platform.people.write(private, "again", author=private)
        assert (await soon(receiver.messages)).text == "again"


async def test_a_webhook_url_that_telegram_refuses_is_invalid_configuration(
    platform, receiver, tmp_path
):
    platform.fault("setWebhook", "Bad Request: bad webhook: HTTPS url must be provided for webhook")
    config = section(platform, webhook_url="http://a.example", webhook_port=0)
    begun: list[str] = []
    async with open_telegram(config, tmp_path) as telegram:
        with pytest.raises(ConfigInvalid) as invalid:
            await serve_telegram(telegram, receiver, config, lambda: begun.append("Telegram"))
    assert invalid.value.key == "telegram.webhook_url"
    assert begun == [], "so it ends the program, as a wrong token does"


async def test_polling_survives_an_outage_and_another_poller(
    platform, receiver, tmp_path, private, caplog
):
    away = platform.fault("getUpdates", "502")
    async with serving_bot(platform, tmp_path, receiver):
        await platform.people.write(private, "hello", author=private)
        assert (await soon(receiver.messages)).text == "hello"
        other = platform.fault("getUpdates", f"Conflict: {OTHER_POLLER}")
        await eventually(lambda: other.met, 20)
        await platform.people.write(private, "again", author=private)
        assert (await soon(receiver.messages)).text == "again"
    assert (away.met, other.met) == (1, 1)
    assert "Another program" in caplog.text


@asynccontextmanager
async def a_later_program(platform, folder, yield_s):
    """One that polls with the same token but has another data folder; it puts texts in a queue."""
    said, taken = [], asyncio.Queue()

    async def on_update(update):
        await taken.put(update["message"]["text"])

    async with open_telegram(section(platform), folder) as telegram:
        polling = Polling(telegram.bot, on_waiting=lambda: said.append("waits"), yield_s=yield_s)
        serving = asyncio.create_task(polling.serve(on_update, lambda: said.append("ready")))
        yield said, taken
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_of_two_programs_with_one_token_the_later_one_waits_and_says_so(
    platform, receiver, tmp_path, private
):
    async with serving_bot(platform, tmp_path, receiver):
        await platform.people.write(private, "one", author=private)
        assert (await soon(receiver.messages)).text == "one"
        await platform.updates.polled()
        async with a_later_program(platform, tmp_path / "other", 60) as (said, taken):
            await eventually(lambda: said == ["ready", "waits"], 20)
            for text in ("two", "three"):
                await platform.people.write(private, text, author=private)
                assert (await soon(receiver.messages)).text == text
            assert taken.empty()


async def test_a_program_that_waits_takes_over_when_the_other_one_has_ended(
    platform, tmp_path, private
):
    other = platform.fault("getUpdates", f"Conflict: {OTHER_POLLER}")
    async with a_later_program(platform, tmp_path / "other", 0.1) as (said, taken):
        await eventually(lambda: other.met, 20)
        await platform.people.write(private, "one", author=private)
        assert await asyncio.wait_for(taken.get(), 20) == "one"
        assert said == ["ready", "waits"]


class Stuck(ScriptedReceiver):
    """Never done with a command."""

    async def command(self, command: Command) -> None:
        await super().command(command)
        await asyncio.Event().wait()


async def test_a_slow_update_blocks_nobody_and_is_delivered_again_after_a_kill(
    platform, tmp_path, private, hive
):
    people, stuck = platform.people, Stuck()
    async with serving_bot(platform, tmp_path, stuck):
        await people.write(private, "/status", author=private)
        await soon(stuck.commands)
        for n in range(3):
            await people.write(hive, str(n))
            received = await asyncio.wait_for(stuck.messages.get(), HANDLING_S / 3)
            assert received.text == str(n)
    assert stuck.commands.empty(), "it was received once"
    again = ScriptedReceiver()
    async with serving_bot(platform, tmp_path, again):
        assert (await soon(again.commands)).name == "status"
        await eventually(lambda: not platform.updates.pending)  # every handled update is confirmed


async def test_an_unparsable_update_does_not_stop_the_listener(telegram, receiver, private):
    listener = EventListener(telegram, receiver, ())
    await listener.on_update({"update_id": 1, "message": {"message_id": "?"}})
    person = {"id": private, "first_name": "Ada", "is_bot": False}
    chat = {"id": private, "type": "private"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": person, "text": "hello"}
    await listener.on_update({"update_id": 2, "message": message})
    assert (await soon(receiver.messages)).text == "hello"


async def test_the_token_is_in_no_log(platform, receiver, tmp_path, private, caplog):
    caplog.set_level(logging.INFO)
    silence_libraries()
    platform.fault("getUpdates", "cut")
    for kind in ("502", "cut", "500"):
        platform.fault("sendMessage", kind)
    async with serving_bot(platform, tmp_path, receiver) as telegram:
        for _ in range(3):
            with pytest.raises(Busy) as busy:
                await telegram.post(str(private), says("Hello"), "k")
            logging.getLogger("bot").error("not sent", exc_info=busy.value)
        await platform.people.write(private, "hello", author=private)
        await soon(receiver.messages)
    with pytest.raises(ConfigInvalid) as invalid:
        async with open_telegram(section(platform, f"{TOKEN}x"), tmp_path):
            pass
    logging.getLogger("bot").error("not served", exc_info=invalid.value)
    theirs = ("aiohttp.access",)  # the counterpart's own log
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name not in theirs)
    assert "Cannot reach Telegram" in ours
    assert "hello" not in ours
    assert TOKEN.partition(":")[2] not in ours


# Doctor


async def test_doctor_reports_the_bot_and_what_it_can_read(platform):
    checks = await check_telegram(section(platform))
    assert [(check.name, check.status, check.case) for check in checks] == [
        ("telegram", "ok", "ok"),
        ("telegram_groups", "ok", "private"),
        ("telegram_webhook", "ok", "polling"),
    ]
    assert checks[0].facts == {"name": f"@{BOT_NAME}"}


async def test_doctor_reports_a_wrong_token_and_an_outage(platform):
    [wrong] = await check_telegram(section(platform, "123:of-nobody"))
    assert (wrong.status, wrong.error.key) == ("fail", "telegram.token")
    platform.fault("getMe", "502")
    [away] = await check_telegram(section(platform))
    assert (away.status, away.case) == ("fail", "unreachable")


async def test_doctor_reports_a_webhook_of_another_program(platform, telegram):
    await telegram.bot.set_webhook("https://elsewhere.example/hook")
    *_, webhook = await check_telegram(section(platform))
    await telegram.bot.delete_webhook()
    assert (webhook.status, webhook.case) == ("warn", "elsewhere")
