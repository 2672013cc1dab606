"""Replay recorded responses below yt-dlp in the program's fetch child:

    PYTHONPATH=tests/counterparts/youtube/replay tubethread ingest https://youtu.be/dQw4w9WgXcQ

Python imports it at start-up. It registers a request handler through yt-dlp's own interface and
changes no other process. The recordings are in tests/counterparts/youtube/recorded_videos.py.
"""

import sys
from pathlib import Path

if sys.orig_argv[-2:] == ["core.workers.child_main", "fetch"]:
    sys.path.append(str(Path(__file__).parents[4]))
    from yt_dlp.networking.common import register_preference, register_rh

    from tests.counterparts.youtube.recorded_videos import SITE
    from tests.counterparts.youtube.site import ReplayRH

    class RecordedRH(ReplayRH):
        """Request handler that yt-dlp prefers to all others; it answers every request."""

        def __init__(self, **settings):
            super().__init__(SITE, **settings)

    register_rh(RecordedRH)
    register_preference(RecordedRH)(lambda handler, request: 1000)
