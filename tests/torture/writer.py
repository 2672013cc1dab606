"""Ingest real talks with a model that writes as real ones do, and breaks as they do: each becomes
ready, with a valid summary.

The replies are recorded from real models. The strict counterpart of llama-server sends them, every
other one after a fault: a loop, a break of the stream or bad JSON.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

from core.backends.openai.client import OpenAi
from core.config import Llm
from core.model import EXTRACTIVE, writer_of
from tests.counterparts.openai.server import Break, OpenAiServer
from tests.eval.datasets import short_talks
from tests.eval.ingests import ingest, parts
from tests.harness.recorded_replies import mutated, recorded_replies
from tests.harness.valid import check_summary

INGESTS = 10
FAULTS = ("loop", "break", "bad JSON")
_MODEL = "qwen3-8b"


async def round(folder: Path, seed: int) -> str:
    """Entry point of `make torture`. `folder` stays empty."""
    dice, wrote, sent = random.Random(seed), Counter[str](), Counter[str]()
    summaries = recorded_replies("SummaryDraft")
    by_id = {part.video.id: part for part in parts(short_talks())}
    for _ in range(INGESTS):
        recorded = dice.choice(summaries)

        def reply(_messages: Any, _schema: Any, text: str = recorded.text) -> object:
            fault = dice.choice(FAULTS) if dice.random() < 0.5 else "no fault"
            sent[fault] += 1
            return _faulty(text, fault, dice)

        async with OpenAiServer(reply) as server:
            model = OpenAi(Llm(engine="openai", url=server.url, model=_MODEL), sleep=_at_once)
            try:
                ready = await ingest(by_id[recorded.video.id], model)
            finally:
                await model.close()
            assert server.breaches == []
        check_summary(ready)
        wrote[_writer(ready.summary.engine)] += 1
    faults = ", ".join(f"{count} × {fault}" for fault, count in sorted(sent.items()))
    return f"{INGESTS} ready, {wrote['model']} by the model alone ({faults})"


def _faulty(text: str, fault: str, dice: random.Random) -> object:
    cut = text[: dice.randint(0, len(text))]
    if fault == "loop":
        return cut + (text[-40:] or "so ") * 200
    if fault == "break":
        return Break(dice.choice(("error", "error_line", "end", "drop", "noise", "filter")), cut)
    return mutated(text, dice) if fault == "bad JSON" else text


def _writer(engine: str) -> str:
    if engine == EXTRACTIVE:
        return "nobody"
    return "both" if writer_of(engine)[1] else "model"


async def _at_once(_seconds: float) -> None:
    """Wait for no busy server."""
