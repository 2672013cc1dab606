"""This file checks what a log shows of progress: each stage once, and a note when it comes up."""

from bot.cli.output import TextOutput
from bot.words import Words
from core.model import SPEECH_LIGHTER, Progress


def test_a_log_has_a_line_for_each_stage_and_each_note(capsys):
    with TextOutput(Words("en")).progress() as on_progress:
        on_progress(Progress("load"))
        on_progress(Progress("transcribe", 0.1))
        on_progress(Progress("transcribe", 0.2))
        on_progress(Progress("load", note=SPEECH_LIGHTER))
        on_progress(Progress("transcribe", 0.3, note=SPEECH_LIGHTER))
    *lines, note, again, last = capsys.readouterr().err.splitlines()
    assert lines == ["Loading the model …", "Transcribing …"]
    assert note == Words("en")(f"notes.{SPEECH_LIGHTER}")
    assert (again, last) == tuple(lines)
