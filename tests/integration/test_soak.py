"""A few links of the month of `python -m tests.torture soak`: what they leave in the bot."""

import logging

from tests.torture import soak


async def test_links_leave_no_object_handle_thread_or_file(tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)  # what pytest keeps of a log holds errors and their frames
    plan = soak.Plan(days=1, links=6, a_burst=2, channels=2, forgotten=2, every=2)
    [_, warm, last] = (await soak.live(tmp_path, seed=1, plan=plan)).resting
    assert last.ours - warm.ours == {}, "more objects of the bot than before the last links"
    assert last.files == 0
