"""Conversations on the command line: typed and suggested questions, links, and stops."""

import signal
import subprocess
import sys

import psutil
import pytest

from tests.counterparts.ollama.lecture_model import lecture
from tests.counterparts.ollama.server import OllamaServer, running
from tests.counterparts.youtube.recorded_videos import CAPTIONED, LECTURE
from tests.harness.terminal import REPLAY, ROOT

HEAVY = (
    *("torch", "faster_whisper", "ctranslate2", "chromadb", "yt_dlp", "sentence_transformers"),
    "onnxruntime",
)


@pytest.fixture
def video(ingested):
    return ingested[1].named("ready")[0]


def test_a_number_asks_the_suggested_question(library, recordings, video):
    typed = "2\n9\nWho invented the brown glass of Fenwick?\n"
    ran = library.run("chat", recordings["lecture-2min-us"], typed=typed)
    assert ran.code == 0
    assert f"> {video['summary']['questions'][1]}" in ran.out
    assert "There is no question 9." in ran.err
    assert "Laura Foster. [1]" in ran.out


def test_the_suggested_questions_are_asked_and_answered_with_sources(library, recordings, video):
    ran = library.run("chat", recordings["lecture-2min-us"], "--suggested", "--json")
    answers = ran.named("answer")
    assert [answer["question"] for answer in answers] == video["summary"]["questions"]
    assert all(answer["citations"] for answer in answers)
    events = [event["event"] for event in ran.events]
    assert events.index("ready") < events.index("text") < events.index("answer")
    for answer in answers:
        assert answer["question"] not in answer["questions"]


def test_a_file_typed_in_a_chat_is_taken_in_and_spoken_of(library, recordings):
    typed = f"{recordings['lecture-10min-us']}\nHow deep can the blue whale dive?\n"
    ran = library.run("chat", "--json", typed=typed)
    [ready], [answer] = ran.named("ready"), ran.named("answer")
    assert ready["video"]["title"] == "lecture-10min-us"
    assert {c["video_id"] for c in answer["citations"]} <= {ready["video"]["id"]}


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_noise_on_the_input_is_a_question_like_any_other(library, recordings, errors):
    typed = "\udcff\udcfe\x00\x1b[2J\nWho invented the brown glass of Fenwick?\n"
    file = recordings["lecture-2min-us"]
    ran = library.run("chat", file, "--json", typed=typed, PYTHONIOENCODING=f"utf-8:{errors}")
    assert "Laura Foster" in ran.named("answer")[-1]["text"]
    assert "Traceback" not in ran.err


def test_a_chat_about_what_cannot_be_taken_in_ends(terminal):
    ran = terminal.run("chat", "nonsense", typed="What?\n")
    assert ran.code == 2
    assert ran.out == ""


def test_a_youtube_link_becomes_a_video_one_can_question(terminal):
    link = f"<https://www.youtube.com/watch?feature=share&v={LECTURE}&t=3>"
    typed = "Who invented the brown glass of Fenwick?\n"
    ran = terminal.run("chat", link, "--json", typed=typed, **REPLAY)
    ready, answer = ran.only("ready"), ran.only("answer")
    stages = dict.fromkeys(event["stage"] for event in ran.named("progress"))
    begun = [stage for stage in stages if stage != "wait"]  # appears on a busy machine
    assert begun[:4] == ["resolve", "download", "load", "transcribe"]
    assert ready["video"]["id"] == LECTURE
    assert ready["video"]["url"] == f"https://youtu.be/{LECTURE}"
    assert "Laura Foster" in answer["text"]
    [citation] = answer["citations"]
    assert citation["url"] == f"https://youtu.be/{LECTURE}?t={int(citation['start_s'])}"
    assert not any((terminal.data / "scratch").iterdir()), "the audio is gone"


def test_captions_serve_where_the_audio_is_blocked_and_it_is_said(terminal):
    ran = terminal.run("ingest", f"https://youtu.be/{CAPTIONED}", "--json", **REPLAY)
    ready = ran.only("ready")
    assert ready["transcript"]["source"] == "captions"
    assert ready["notes"][0] == "captions_used"
    assert ready["transcript"]["segments"][1] == {
        "start_s": 4.0,
        "end_s": 8.0,
        "text": "The angle of the dance is the direction of the food.",
    }


def test_captions_are_read_first_where_the_settings_say_so(terminal):
    terminal.configure(speech={"order": ["captions", "whisper"]})
    ran = terminal.run("ingest", f"https://youtu.be/{CAPTIONED}", "--json", **REPLAY)
    assert ran.only("ready")["transcript"]["source"] == "captions"
    assert {event["stage"] for event in ran.named("progress")}.isdisjoint({"download"})


def test_with_ollama_the_model_sums_up_and_answers_and_every_marker_is_real(library, recordings):
    with running(OllamaServer(lecture)) as server:
        library.configure(llm={"engine": "ollama", "url": server.url})
        typed = "Who invented the brown glass of Fenwick?\nWhen was the moon made of cheese?\n"
        ran = library.run("chat", recordings["lecture-2min-us"], "--json", typed=typed)
    ready, [answer, refusal] = ran.only("ready"), ran.named("answer")
    segments = {s["start_s"]: s for s in ready["transcript"]["segments"]}
    assert ready["summary"]["engine"] == "qwen3:8b"
    assert ready["notes"] == []
    assert all(point["start_s"] in segments for point in ready["summary"]["points"])
    assert "Laura Foster" in answer["text"]
    assert answer["grounded"]
    assert all(c["quote"] == segments[c["start_s"]]["text"] for c in answer["citations"])
    assert (refusal["grounded"], refusal["text"], refusal["citations"]) == (False, "", [])
    assert not server.breaches
    assert len(server.loads) == 1, "one num_ctx for all calls"


def test_a_stop_in_the_middle_of_hearing_ends_everything(terminal, recordings):
    process = terminal.start("ingest", recordings["lecture-2min-us"], "--json")
    children = []
    for line in process.stdout:
        if '"transcribe"' in line:
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            break
    _, err = process.communicate(timeout=60)
    gone, alive = psutil.wait_procs(children, timeout=60)
    assert process.returncode == 130
    assert gone
    assert not alive
    assert "Traceback" not in err
    assert terminal.run("videos", "--json").only("videos")["videos"] == []
    assert not any((terminal.data / "scratch").iterdir())


def test_the_main_process_imports_nothing_heavy(terminal, recordings):
    """Not even after all the work that its children did."""
    terminal.configure()
    program = (
        "import sys\n"
        "from bot.cli.app import app\n"
        "try:\n"
        f"    app({['--config', str(terminal.config), 'chat', recordings['lecture-2min-us']]!r})\n"
        "except SystemExit as done:\n"
        "    assert not done.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": "/usr/bin", "TUBETHREAD_DATA": str(terminal.data)},
        input="Who invented the brown glass of Fenwick?\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    assert "Laura Foster" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command(terminal):
    out = terminal.run("--help").out
    for command in ("chat", "ingest", "ask", "search", "videos", "forget", "export", "doctor"):
        assert command in out


@pytest.mark.parametrize("format", ["txt", "md", "srt", "vtt", "json"])
def test_every_format_is_written_as_it_is_printed(library, video, format):
    target = library.folder / f"out.{format}"
    printed = library.run("export", video["video"]["id"], "--format", format).out
    written = library.run("export", video["video"]["id"], "--format", format, "-o", str(target))
    assert "Saved out." in written.err
    assert target.read_text(encoding="utf-8") == printed
    assert video["transcript"]["segments"][0]["text"] in printed
