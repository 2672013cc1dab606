"""Bad input on the command line: the error names the next step, the exit code is right, and no
traceback, path of ours or secret reaches the screen.
"""

import shutil
import wave

import pytest

from tests.counterparts.ollama.replies import Break, Refuse
from tests.counterparts.ollama.server import OllamaServer, running
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


def test_ollama_is_down(refused, with_ollama):
    talk = with_ollama("http://user:s3cr3t-t0ken@127.0.0.1:9")
    assert refused("ingest", talk) == ("ollama_unreachable", 75)


def test_a_model_that_fails(refused_all, with_ollama, file):
    """Each file is about one word, and the model fails in another way at each word."""
    failures = {
        "mill": ("this is no JSON", "bad_model_output"),
        "bridge": (Break("error", '{"topic": "'), "model_failed"),
        "tower": (Break("end", '{"topic": "'), "model_failed"),
        "church": (Break("stall", '{"topic": "'), "model_stalled"),
        "school": (Refuse(500, "out of memory at /home/ada/.ollama/models/blobs"), "model_failed"),
    }

    def fail(messages, schema):
        said = str(messages)
        return next(reply for word, (reply, _) in failures.items() if word in said)

    talks = [file(f"{word}.srt", SRT.replace("mill", word).encode()) for word in failures]
    with running(OllamaServer(fail)) as server:
        with_ollama(server.url)
        codes, exit_code = refused_all("ingest", *talks)
    assert codes == [code for _, code in failures.values()]
    assert exit_code == 75


def test_a_model_that_is_not_pulled(refused, with_ollama, terminal):
    with running(OllamaServer([])) as server:
        talk = with_ollama(server.url)
        terminal.configure(llm={"engine": "ollama", "url": server.url, "model": "not-here"})
        assert refused("ingest", talk) == ("model_missing", 78)


def test_a_prompt_that_is_too_long_is_split_and_never_fails(terminal, file, with_ollama):
    """The whole file does not fit into the context, and is summarised all the same."""
    from tests.counterparts.ollama.lecture_model import lecture

    lines = [
        f"{n}\n00:{n // 60:02}:{n % 60:02},000 --> 00:{n // 60:02}:{n % 60:02},900\n"
        f"The old mill number {n} in Arden was built by Nora Lee for ninety people of Kelso.\n"
        for n in range(1, 600)
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


def test_what_was_heard_is_kept_when_the_model_fails(terminal, with_ollama):
    talk = with_ollama("http://127.0.0.1:9")
    assert terminal.run("ingest", talk).code == 75
    terminal.configure(llm={"engine": "extractive"})
    shutil.copy(talk, terminal.folder / "again.srt")
    assert terminal.run("ingest", str(terminal.folder / "again.srt"), "--json").named("ready")
