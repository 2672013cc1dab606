"""Put recorded answers below yt-dlp in the fetch child of the whole program:

    PYTHONPATH=tests/counterparts/youtube/replay tubethread ingest https://youtu.be/dQw4w9WgXcQ

Python imports it at its start. It uses what yt-dlp offers for handlers of one's own, and it leaves
every other process alone. The recordings: tests/counterparts/youtube/recorded_videos.py.
"""

import sys
from pathlib import Path

if sys.orig_argv[-2:] == ["core.workers.child_main", "fetch"]:
    sys.path.append(str(Path(__file__).parents[4]))
    from yt_dlp.networking.common import register_preference, register_rh

    from tests.counterparts.youtube.recorded_videos import SITE
    from tests.counterparts.youtube.site import ReplayRH

    class RecordedRH(ReplayRH):
        """The first that yt-dlp asks, and it has the last word."""

        def __init__(self, **settings):
            super().__init__(SITE, **settings)

    register_rh(RecordedRH)
    register_preference(RecordedRH)(lambda handler, request: 1000)
