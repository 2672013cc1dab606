"""`tubethread doctor`, as people and programs run it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.counterparts.ollama.server import OllamaServer, running
from tests.harness.terminal import ROOT, Ran, Terminal

NAMES = [
    *("python", "javascript", "yt_dlp", "gpu", "speech_model", "embedder", "ollama"),
    *("data_folder", "disk", "store", "caches", "tokens"),
]


def checks(ran: Ran) -> dict[str, dict[str, str]]:
    return {check["name"]: check for check in ran.only("checks")["checks"]}


def assert_nothing_of_ours_shows(ran: Ran, *secrets: object) -> None:
    screen = ran.out + ran.err
    assert "Traceback" not in screen
    for secret in (ROOT, *secrets):
        assert str(secret) not in screen


def test_a_fresh_folder_with_the_demos_settings_is_well(terminal: Terminal) -> None:
    ran = terminal.run("doctor", "--json")
    found = checks(ran)
    assert list(found) == NAMES
    assert {name for name in NAMES if found[name]["status"] == "fail"} <= {"yt_dlp"}
    assert ran.code == int(found["yt_dlp"]["status"] == "fail")  # the installed release ages
    assert found["caches"]["status"] == found["store"]["status"] == "ok"
    assert ran.err == ""


def test_what_was_taken_in_is_held_by_the_caches(library: Terminal) -> None:
    found = checks(library.run("doctor", "--json"))
    assert found["caches"]["status"] == "ok", found["caches"]
    assert "1" in found["store"]["detail"]


def test_a_data_folder_that_cannot_be_written_and_ollama_away_stop_no_other_check(
    terminal: Terminal,
) -> None:
    (terminal.folder / "file").touch()
    llm = {"engine": "ollama", "url": "http://ada:s3cret@127.0.0.1:9"}
    discord = {"token": "t0ken", "api_base": "http://127.0.0.1:9"}
    terminal.configure(llm=llm, discord=discord)
    ran = terminal.run("doctor", "--json", TUBETHREAD_DATA=str(terminal.folder / "file" / "data"))
    found = checks(ran)
    failed = {name for name, check in found.items() if check["status"] == "fail"}
    assert ran.code == 1
    assert failed - {"yt_dlp"} == {"data_folder", "store", "ollama", "discord"}
    assert "TUBETHREAD_DATA" in found["data_folder"]["fix"]
    assert "ollama serve" in found["ollama"]["fix"]
    assert_nothing_of_ours_shows(ran, terminal.folder, "s3cret", "t0ken")


def test_a_damaged_store_and_an_old_ollama_are_told_with_their_fixes(terminal: Terminal) -> None:
    terminal.data.mkdir()
    Path(terminal.data, "tubethread.db").write_bytes(b"not a database at all" * 500)
    with running(OllamaServer(version="0.17.0")) as server:
        terminal.configure(language="ko", llm={"engine": "auto", "url": server.url})
        ran = terminal.run("doctor")
    assert ran.code == 1
    assert re.search(r"^실패 .*0\.17\.0.*0\.17\.1.*\n    → 최신 Ollama", ran.out, re.MULTILINE)
    assert re.search(r"^실패  데이터베이스: .*\n    → .*tubethread\.db", ran.out, re.MULTILINE)
    assert_nothing_of_ours_shows(ran, terminal.folder)


def test_models_that_are_not_here_yet_will_be_downloaded_but_not_into_a_folder(
    terminal: Terminal,
) -> None:
    hub = terminal.folder / "hub"
    version = hub / "models--intfloat--multilingual-e5-small" / "snapshots" / "abc"
    version.mkdir(parents=True)
    (version / "config.json").touch()
    online = {"HF_HUB_OFFLINE": "0", "HF_HUB_CACHE": str(hub)}
    embedding = {"model": "intfloat/multilingual-e5-small"}
    terminal.configure(speech={"model": "large-v3-turbo"}, embedding=embedding)
    found = checks(terminal.run("doctor", "--json", **online))
    assert found["embedder"]["status"] == found["speech_model"]["status"] == "warn"
    assert "first use" in found["embedder"]["detail"]
    assert "first use" in found["speech_model"]["detail"]
    (version / "model.safetensors").touch()
    terminal.configure(speech={"model": str(hub)}, embedding=embedding)
    found = checks(terminal.run("doctor", "--json", **online))
    assert (found["embedder"]["status"], found["speech_model"]["status"]) == ("ok", "fail")


def test_settings_that_are_not_valid_come_first(terminal: Terminal) -> None:
    terminal.configure(speach={"model": "tiny"})
    ran = terminal.run("doctor", "--json")
    assert ran.code == 78
    assert ran.only("error")["code"] == "config_invalid"
    assert "speach" in ran.only("error")["message"]
