"""docs/quality.md: every table, with when and on what it was measured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from tests.bench.machine import machine
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
    here = machine()
    measured = (
        f"*Measured on {datetime.now(UTC):%Y-%m-%d} with {here['cores']} cores, {here['memory']},"
        f" Python {here['python']}, {here['packages']}, tubethread {version('tubethread')}.*"
    )
    sections = dict(_sections(page))
    sections[table.title] = f"{table.markdown()}\n{measured}\n"
    return "\n".join([_OPENING, *sections.values()])


def _sections(page: str) -> Iterator[tuple[str, str]]:
    """Yield each section's title and text.

    >>> list(_sections("# Page\\n\\n## One\\n\\nText.\\n\\n## Two\\n"))
    [('One', '## One\\n\\nText.\\n'), ('Two', '## Two\\n')]
    """
    for section in re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]:
        yield section.partition("\n")[0].removeprefix("## "), section.rstrip("\n") + "\n"
