"""Redirect the discord.py of the whole program to a Discord counterpart on loopback:

    export PYTHONPATH=tests/counterparts/discord/injected
    TUBETHREAD_TESTS_DISCORD=http://127.0.0.1:… tubethread run

Python imports it at start-up. It changes only the program's main process.
"""

import os
import sys
from pathlib import Path

url = os.environ.get("TUBETHREAD_TESTS_DISCORD")
if url and "core.workers.child_main" not in sys.orig_argv:
    sys.path.append(str(Path(__file__).parents[4]))
    from tests.counterparts.discord.redirect import point

    point(f"{url}/api/v10", f"{url.replace('http', 'ws', 1)}/gateway", url)
