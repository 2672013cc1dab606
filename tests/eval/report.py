"""docs/quality.md: every table, with when and on what it was measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.machine import machine
from tests.eval.tables import Table

_OPENING = """\
# Quality

Written by `make eval`; do not edit. What is measured and how to run it on your own models:
[tests/eval](../tests/eval/README.md). Figures are shares of 1. They belong to the small models
named in each row: minilm is all-MiniLM-L6-v2, which reads English only, and multilingual-e5-small
has 4-bit weights, because that is how a package index has it.
"""


def document(tables: Sequence[Table], data: Path | None) -> str:
    """Return the whole page."""
    here = machine()
    lines = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with {here['cores']} cores, {here['memory']},"
        f" Python {here['python']}, {here['packages']}, tubethread {version('tubethread')}."
    ]
    if data is None:
        lines.append("Without KorQuAD and Belebele, which need `--data`.")
    return "\n".join([_OPENING, *lines, "", *(table.markdown() for table in tables)])
