"""This file checks bad input by the command line: told with the next step, the right exit code, and
never a traceback, a path of ours or a secret on the screen.
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


@pytest.fixture
def refused(terminal):
    """Runs a command that must fail and looks at all it printed, in both forms."""

    def run(*args, typed="", **environment):
        spoken = terminal.run(*args, typed=typed, **environment)
        ran = terminal.run(*args, "--json", typed=typed, **environment)
        [error] = ran.named("error")
        screen = spoken.out + spoken.err + ran.out + ran.err
        assert spoken.code == ran.code
        assert error.keys() == {"event", "code", "message", "hint", "permanent"}
        assert error["message"] in spoken.err
        assert error["hint"] in spoken.err
        for secret in ("Traceback", str(terminal.folder), str(ROOT), SECRET):
            assert secret not in screen
        return error["code"], ran.code

    return run


@pytest.fixture
def file(terminal):
    """Writes a file of that name and content; its path."""

    def write(name, content):
        path = terminal.folder / name
        path.write_bytes(content)
        return str(path)

    return write


@pytest.mark.parametrize(
    "text", ["nonsense", "https://example.org/watch?v=dQw4w9WgXcQ", "https://youtu.be/short"]
)
def test_what_is_no_link(refused, text):
    assert refused("ingest", text) == ("not_a_link", 2)


def test_a_file_of_zero_bytes(refused, file):
    assert refused("ingest", file("empty.mp3", b"")) == ("file_empty", 2)


@pytest.mark.parametrize("name", ["noise.mp3", "noise.srt", "noise.mp4"])
def test_what_is_no_audio(refused, file, name):
    assert refused("ingest", file(name, bytes(range(256)) * 64)) == ("not_media", 2)


def test_silence_gets_no_invented_text(refused, terminal):
    path = terminal.folder / "silence.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 16_000 * 20))
    assert refused("ingest", str(path)) == ("no_speech", 2)
    assert terminal.run("videos", "--json").only("videos")["videos"] == []


def test_a_film_without_sound(refused, terminal):
    path = terminal.folder / "silent.mp4"
    write_silent_film(path)
    assert refused("ingest", str(path)) == ("no_audio", 2)


def test_a_file_that_is_too_long(refused, terminal, recordings):
    terminal.configure(limits={"max_minutes": 1})
    assert refused("ingest", recordings["lecture-2min-us"]) == ("video_too_long", 2)


@pytest.mark.parametrize(
    ("video_id", "code"),
    [
        (PRIVATE, "video_private"),
        (REMOVED, "video_removed"),
        (LIVE, "video_live"),
        (HUM, "no_speech"),
    ],
)
def test_what_youtube_does_not_give(refused, video_id, code):
    assert refused("ingest", f"https://youtu.be/{video_id}", **REPLAY) == (code, 2)


def test_without_a_network_youtube_is_told_to_be_away(refused):
    """The tests' machine may have none; a proxy that is not there makes sure."""
    assert refused("ingest", "https://youtu.be/dQw4w9WgXcQ")[1] == 75


@pytest.fixture
def with_ollama(terminal, file):
    """Settings that insist on a model; replies as the counterpart plays them."""

    def configure(url):
        terminal.configure(llm={"engine": "ollama", "url": url, "stall_s": 1, "first_token_s": 1})
        return file("talk.srt", SRT.encode())

    return configure


def test_ollama_is_down(refused, with_ollama):
    talk = with_ollama("http://user:s3cr3t-t0ken@127.0.0.1:9")
    assert refused("ingest", talk) == ("ollama_unreachable", 75)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("this is no JSON", "bad_model_output"),
        (Break("error", '{"topic": "'), "model_failed"),
        (Break("end", '{"topic": "'), "model_failed"),
        (Break("stall", '{"topic": "'), "model_stalled"),
        (Refuse(500, "out of memory at /home/ada/.ollama/models/blobs"), "model_failed"),
    ],
)
def test_a_model_that_fails(refused, with_ollama, reply, code):
    with running(OllamaServer(lambda messages, schema: reply)) as server:
        assert refused("ingest", with_ollama(server.url)) == (code, 75)


def test_a_model_that_is_not_pulled(refused, with_ollama, terminal):
    with running(OllamaServer([])) as server:
        talk = with_ollama(server.url)
        terminal.configure(llm={"engine": "ollama", "url": server.url, "model": "not-here"})
        assert refused("ingest", talk) == ("model_missing", 78)


def test_a_prompt_that_is_too_long_is_split_and_never_fails(terminal, file, with_ollama):
    """The whole talk does not fit into the context, and is summed up all the same."""
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


def test_questions_about_nothing(refused, terminal, file):
    assert refused("ask", "What?") == ("nothing_to_ask", 2)
    assert refused("ask", "What?", "--video", "dQw4w9WgXcQ") == ("unknown_video", 2)
    terminal.run("ingest", file("talk.srt", SRT.encode()))
    assert refused("ask", "  ") == ("empty_question", 2)
    assert refused("forget", "dQw4w9WgXcQ") == ("unknown_video", 2)


def test_an_export_that_cannot_be_written(terminal, file):
    talk = file("talk.srt", SRT.encode())
    video_id = terminal.run("ingest", talk, "--json").only("ready")["video"]["id"]
    ran = terminal.run("export", video_id, "-o", str(terminal.folder / "no" / "such.md"))
    assert ran.code == 2
    assert "such.md cannot be written" in ran.err
    assert str(terminal.folder) not in ran.err


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
