"""Generated messages and links crash nothing and lead yt-dlp to nobody but YouTube.

`python -m tests.torture links` sends ten thousand.
"""

import pytest

from core.links import find_video_ids
from tests.harness.link_forms import AROUND, ELSEWHERE, FORMS, samples
from tests.harness.link_storm import endure
from tests.harness.recording_proxy import recording_proxy
from tests.harness.virtual_loop import run_virtually

ID = "dQw4w9WgXcQ"
FEW = 60


def test_every_form_of_link_is_found():
    assert len(set(FORMS)) == 60
    for form in FORMS:
        for around in AROUND:
            assert find_video_ids(around.format(form.format(id=ID))) == [ID], form


@pytest.mark.parametrize("form", ELSEWHERE)
def test_what_leads_elsewhere_is_no_link(form):
    for around in AROUND:
        assert find_video_ids(around.format(form.format(id=ID))) == []


def test_a_storm_of_messages_asks_nobody_but_youtube(tmp_path):
    with recording_proxy() as proxy:
        storm = run_virtually(endure(tmp_path, samples(FEW, seed=1), proxy))
    assert storm.messages == FEW
    assert storm.looked_up >= 5
    assert storm.requests > storm.looked_up
    assert "www.youtube.com" in storm.hosts
