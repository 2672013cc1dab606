"""`make bench`: measure time and memory on this machine.

    python -m tests.bench [--json] [start memory ingest ask again library jobs children chat groups
        search forgetting]

Prints one table and the machine it was measured on. The exit code is 1 if a goal is missed, for
people and scripts; CI ignores it, because a busy machine misses goals through no fault of the code.
Ratios compare two sides that ran right after one another, and are medians of several pairs, so
other work affects both alike. Seconds and milliseconds grow with other work: the load is printed to
judge them by, and, where one process does all the work, its CPU seconds, which grow far less.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tests.bench import (
    again,
    ask,
    chat,
    children,
    forgetting,
    groups,
    ingest,
    jobs,
    library,
    memory,
    search,
    start,
)
from tests.bench.figures import Row, table
from tests.bench.machine import machine

os.environ["HF_HUB_OFFLINE"] = "1"  # children inherit it, so that they query no model hub

PARTS: dict[str, Callable[[Path], list[Row]]] = {
    "start": start.measure,
    "memory": memory.measure,
    "ingest": ingest.measure,
    "ask": ask.measure,
    "again": again.measure,
    "library": library.measure,
    "jobs": jobs.measure,
    "children": children.measure,
    "chat": chat.measure,
    "groups": groups.measure,
    "search": search.measure,
    "forgetting": forgetting.measure,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measures speed and memory.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    wanted = parser.parse_args()
    if unknown := set(wanted.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    here = machine()
    rows: list[Row] = []
    for name in wanted.parts or PARTS:
        print(f"{name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            rows += PARTS[name](Path(folder))
    if wanted.json:
        told = [asdict(row) | {"met": row.is_met} for row in rows]
        print(json.dumps({"machine": here, "rows": told}, ensure_ascii=False))
    else:
        print(table(rows), *(f"{key}: {value}" for key, value in here.items()), sep="\n")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
