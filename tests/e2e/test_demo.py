"""The demo as `make demo` runs it: a real recording, a real Whisper."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.harness.real_models import FetchFailed, fetch
from tests.harness.terminal import ROOT


@pytest.mark.timeout(600)  # on a busy machine; alone it takes one
def test_a_real_recording_is_summed_up_and_its_questions_answered_with_seconds(tmp_path):
    try:
        fetch("whisper-base")
    except FetchFailed as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no model: {error}")
        pytest.skip(f"no model: {error}")
    ran = subprocess.run(
        [sys.executable, "-m", "examples.demo"],
        cwd=ROOT,
        env=os.environ | {"TUBETHREAD_DATA": str(tmp_path)},
        input="How many people were on board?\n",
        capture_output=True,
        text=True,
        timeout=580,
        check=True,
    )
    assert "Downloading" not in ran.stderr, "the model is on disk"
    summary, *answers = ran.stdout.split("\n> ")
    assert re.search(r"^Topic: .{20,}\.$", summary, re.MULTILINE)
    assert len(re.findall(r"^- \[\d:\d\d\] ", summary, re.MULTILINE)) >= 3
    suggested = re.findall(r"^\d\. (.+)", summary, re.MULTILINE)
    assert len(answers) == len(suggested) == 3
    cited = r"^\[1\] \d:\d\d “.+”  columbia-address-2003\.opus#t=\d+"
    assert len(re.findall(cited, ran.stdout, re.MULTILINE)) == 4, "and the typed one"
    assert re.search(r"^\[\d\] 0:(2|3)\d “[^”]*crew of (7|seven)", answers[-1], re.MULTILINE)
