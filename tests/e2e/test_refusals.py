"""Bad input on the command line: the error names the next step, the exit code is right, and no
traceback, path of ours or secret reaches the screen.
"""

import wave
from contextlib import suppress
from pathlib import Path

import pytest

from tests.counterparts.ollama.lecture_model import lecture
from tests.counterparts.ollama.replies import Break, Refuse
from tests.counterparts.ollama.server import OllamaServer, running
from tests.counterparts.openai.server import OpenAiServer
from tests.counterparts.openai.server import running as running_openai
from tests.counterparts.youtube.recorded_videos import HUM, LIVE, PRIVATE, REMOVED
from tests.harness.audio_files import write_silent_film
from tests.harness.terminal import REPLAY, ROOT

SECRET = "s3cr3t-t0ken"
SRT = "1\n00:00:01,000 --> 00:00:04,000\nThe old mill in Arden was built by Nora Lee.\n"


NO_LINKS = ("nonsense", "https://example.org/watch?v=dQw4w9WgXcQ", "https://youtu.be/short")
NOISE = ("noise.mp3", "noise.srt", "noise.mp4")
YOUTUBE = {
    PRIVATE: "video_private",
    REMOVED: "video_removed",
    LIVE: "video_live",
    HUM: "no_speech",
}
BAD_INPUTS = {
    **dict.fromkeys(NO_LINKS, "not_a_link"),
    "empty.mp3": "file_empty",
    **dict.fromkeys(NOISE, "not_media"),
    "silence.wav": "no_speech",
    "silent.mp4": "no_audio",
    "lecture-2min-us": "video_too_long",
    **YOUTUBE,
}
"""Inputs by name → the error they lead to."""


@pytest.fixture
def refused_all(terminal):
    """Run a command that must fail and check all it printed, as text and as JSON. Returns the
    errors' codes and the exit code."""

    def run(*args, typed="", **environment):
        spoken = terminal.run(*args, typed=typed, **environment)
        ran = terminal.run(*args, "--json", typed=typed, **environment)
        screen = spoken.out + spoken.err + ran.out + ran.err
        assert spoken.code == ran.code
        for error in ran.named("error"):
            assert error.keys() == {"event", "code", "message", "hint", "permanent"}
            assert error["message"] in spoken.err
            assert error["hint"] in spoken.err
        for secret in ("Traceback", str(terminal.folder), str(ROOT), SECRET):
            assert secret not in screen
        return [error["code"] for error in ran.named("error")], ran.code

    return run


@pytest.fixture
def refused(refused_all):
    """Like `refused_all`, for a command with one error."""

    def run(*args, **more):
        [code], exit_code = refused_all(*args, **more)
        return code, exit_code

    return run


@pytest.fixture
def file(terminal):
    """Write a file with this name and content, and return its path."""

    def write(name, content):
        path = terminal.folder / name
        path.write_bytes(content)
        return str(path)

    return write


def test_every_bad_input_is_refused_with_its_own_error(refused_all, terminal, file, recordings):
    """No link, no media, no sound, no speech (silence gets no invented text), too long, and what
    YouTube does not provide."""
    inputs = dict(zip(NO_LINKS, NO_LINKS, strict=True))
    inputs["empty.mp3"] = file("empty.mp3", b"")
    inputs |= {name: file(name, bytes(range(256)) * 64) for name in NOISE}
    inputs["silence.wav"] = str(terminal.folder / "silence.wav")
    with wave.open(inputs["silence.wav"], "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 16_000 * 20))
    inputs["silent.mp4"] = str(write_silent_film(terminal.folder / "silent.mp4"))
    inputs["lecture-2min-us"] = recordings["lecture-2min-us"]
    inputs |= {video_id: f"https://youtu.be/{video_id}" for video_id in YOUTUBE}
    terminal.configure(limits={"max_minutes": 1})
    codes, exit_code = refused_all("ingest", *inputs.values(), **REPLAY)
    assert dict(zip(inputs, codes, strict=True)) == BAD_INPUTS
    assert exit_code == 2
    assert terminal.run("videos", "--json").only("videos")["videos"] == []


def test_without_a_network_youtube_is_told_to_be_away(refused):
    """The test machine may have no network; an unreachable proxy makes sure."""
    assert refused("ingest", "https://youtu.be/dQw4w9WgXcQ")[1] == 75


@pytest.fixture
def with_ollama(terminal, file):
    """Configure Ollama at this URL, without a fallback, and return a file to ingest."""

    def configure(url):
        terminal.configure(llm={"engine": "ollama", "url": url, "stall_s": 1, "first_token_s": 1})
        return file("talk.srt", SRT.encode())

    return configure


def test_ollama_is_down(refused, with_ollama, terminal):
    """The video is ready all the same; only the question is refused."""
    talk = with_ollama("http://user:s3cr3t-t0ken@127.0.0.1:9")
    ready = terminal.run("ingest", talk, "--json").only("ready")
    assert ready["summary"]["engine"] == "extractive"
    assert refused("ask", "Who built the mill?") == ("ollama_unreachable", 75)


def test_whatever_the_model_writes_the_video_is_ready(terminal, file, with_ollama):
    """Each file is about one word, and the model fails in another way at each word."""
    failures = {
        "mill": "this is no JSON",
        "bridge": Break("error", '{"topic": "'),
        "tower": Break("end", '{"topic": "'),
        "church": Break("stall", '{"topic": "'),
        "school": Refuse(500, "out of memory"),
    }

    def fail(messages, schema):
        said = str(messages)
        return next(reply for word, reply in failures.items() if word in said)

    talks = [file(f"{word}.srt", SRT.replace("mill", word).encode()) for word in failures]
    with running(OllamaServer(fail)) as server:
        with_ollama(server.url)
        ran = terminal.run("ingest", *talks, "--json")
    ready = ran.named("ready")
    assert [event["summary"]["engine"] for event in ready] == ["extractive"] * len(talks)
    assert ran.code == 0


def test_a_model_that_fails_at_a_question(refused, terminal, with_ollama):
    told = Refuse(500, "out of memory at /home/ada/.ollama/models/blobs")
    with running(OllamaServer(lambda *_: told)) as server:
        terminal.run("ingest", with_ollama(server.url))
        assert refused("ask", "Who built the mill?") == ("model_failed", 75)


def test_a_model_that_is_not_pulled(refused, with_ollama, terminal):
    with running(OllamaServer([])) as server:
        talk = with_ollama(server.url)
        terminal.configure(llm={"engine": "ollama", "url": server.url, "model": "not-here"})
        assert terminal.run("ingest", talk).code == 0
        assert refused("ask", "Who built the mill?") == ("model_missing", 78)


def test_a_key_that_the_server_refuses_is_not_shown(refused, file, terminal):
    with running_openai(OpenAiServer(api_key="another", flavour="openai")) as server:
        llm = {"engine": "openai", "url": server.url, "model": "qwen3-8b", "api_key": "${LLM_KEY}"}
        terminal.configure(llm=llm)
        terminal.run("ingest", file("talk.srt", SRT.encode()), LLM_KEY=SECRET)
        asked = refused("ask", "Who built the mill?", LLM_KEY=SECRET)
    assert asked == ("model_key_refused", 78)
    assert f"Bearer {SECRET}" in server.authorizations
    assert SECRET not in (terminal.data / "tubethread.log").read_text("utf-8")


def test_a_server_with_openais_api_sums_up_and_answers(file, terminal):
    served = OpenAiServer(lecture, flavour="openai", api_key=SECRET)
    with running_openai(served) as server:
        llm = {"engine": "openai", "url": f"{server.url}/v1", "model": "qwen3-8b"}
        terminal.configure(llm=llm | {"api_key": "${LLM_KEY}"})
        talk = file("talk.srt", SRT.encode())
        ready = terminal.run("ingest", talk, "--json", LLM_KEY=SECRET).only("ready")
        asked = terminal.run("ask", "Who built the old mill?", "--json", LLM_KEY=SECRET)
    assert ready["summary"]["engine"] == "qwen3-8b"
    answer = asked.only("answer")
    assert (answer["engine"], answer["grounded"]) == ("qwen3-8b", True)
    assert "Nora Lee" in answer["text"]
    assert server.breaches == []


def test_a_prompt_that_is_too_long_is_split_and_never_fails(terminal, file, with_ollama):
    """The whole file does not fit into the context, and is summarised all the same."""
    lines = [
        f"{n}\n00:{n // 10:02}:{n % 10 * 5:02},000 --> 00:{n // 10:02}:{n % 10 * 5 + 4:02},900\n"
        f"The old mill number {n} in Arden was built by Nora Lee for ninety people of Kelso.\n"
        for n in range(1, 240)
    ]
    with running(OllamaServer(lecture)) as server:
        terminal.configure(llm={"engine": "ollama", "url": server.url, "num_ctx": 4096})
        long = file("long.srt", "\n".join(lines).encode())
        ready = terminal.run("ingest", long, "--json").only("ready")
    assert len(server.chats) > 2
    assert not server.breaches
    assert ready["summary"]["covered_s"] == ready["transcript"]["segments"][-1]["end_s"]


def test_an_unknown_setting(refused, terminal):
    terminal.configure(limits={"max_minuts": 1})
    assert refused("videos") == ("config_invalid", 78)


def test_settings_that_are_not_there(terminal):
    ran = terminal.run("--config", str(terminal.folder / "none.yaml"), "videos", "--json")
    assert (ran.only("error")["code"], ran.code) == ("config_invalid", 78)


def test_a_secret_in_the_settings_is_not_told(refused, terminal):
    terminal.configure(discord={"token": SECRET, "tokn": SECRET})
    assert refused("videos") == ("config_invalid", 78)


def test_the_running_program_shows_its_secrets_and_files_to_nobody_else(terminal, tmp_path):
    terminal.configure(discord={"token": "${OUR_TOKEN}"})
    (tmp_path / "mill.srt").write_text(SRT)
    process = terminal.start("chat", str(tmp_path / "mill.srt"), OUR_TOKEN=SECRET)
    try:
        assert process.stdout.readline()
        with suppress(PermissionError):  # only root may look at all
            assert SECRET not in Path(f"/proc/{process.pid}/environ").read_text()
        files = [terminal.data, *terminal.data.rglob("*")]
        assert len(files) > 5
        assert not [file for file in files if file.stat().st_mode & 0o077]
    finally:
        process.communicate("", timeout=60)


def test_a_data_folder_that_cannot_be_written(refused, terminal):
    terminal.data.parent.mkdir(exist_ok=True)
    terminal.data.write_text("a file where the folder should be")
    assert refused("videos") == ("data_unwritable", 78)


def test_a_damaged_store(refused, terminal):
    terminal.run("videos")
    (terminal.data / "tubethread.db").write_bytes(b"not a database" * 1000)
    for journal in terminal.data.glob("tubethread.db-*"):
        journal.unlink()
    assert refused("videos") == ("store_broken", 75)


def test_questions_about_nothing(refused, library):
    assert refused("ask", "What?", "--channel", "empty") == ("nothing_to_ask", 2)
    assert refused("ask", "What?", "--video", "dQw4w9WgXcQ") == ("unknown_video", 2)
    assert refused("ask", "  ") == ("empty_question", 2)
    assert refused("forget", "dQw4w9WgXcQ") == ("unknown_video", 2)


def test_an_export_that_cannot_be_written(library, ingested):
    video_id = ingested[1].named("ready")[0]["video"]["id"]
    ran = library.run("export", video_id, "-o", str(library.folder / "no" / "such.md"))
    assert ran.code == 2
    assert "such.md can't be written" in ran.err
    assert str(library.folder) not in ran.err


def test_a_speech_model_that_cannot_be_had(refused, terminal, recordings):
    terminal.configure(speech={"model": "no-such-model"})
    assert refused("ingest", recordings["lecture-2min-us"]) == ("speech_model_missing", 78)


def test_errors_are_told_in_korean_where_that_is_the_language(terminal):
    terminal.configure(language="ko")
    ran = terminal.run("ask", "무엇?", "--json")
    assert "채널" in ran.only("error")["message"]
