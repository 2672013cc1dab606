"""docs/quality.md: every table, with when and on what it was measured."""

from __future__ import annotations

from tests.bench.dated_page import with_section
from tests.eval.tables import Table

_OPENING = """\
# Quality

Written by `make eval`, table by table; do not edit. What is measured and how to run it on your own
models: [tests/eval](../tests/eval/README.md). Figures are shares of 1. They belong to the small
models named in each row: minilm is all-MiniLM-L6-v2, which reads English only, and
multilingual-e5-small has 4-bit weights, because that is how a package index has it.
"""


def document(page: str, table: Table) -> str:
    """Return the page with this table, in the place of the one with its title, or last."""
    return with_section(page, _OPENING, table.title, table.markdown())
