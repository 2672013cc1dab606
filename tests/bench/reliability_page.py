"""docs/reliability.md: what the whole run of each module of tests/torture did.

A module adds a section by having a docstring, which says what is tried, and a `round` that returns
its figures in words. Anything else adds its own by `dated_page.with_section`."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.dated_page import with_section

_OPENING = """\
# Reliability

Written by `make torture`, one section for each whole run (`python -m tests.torture NAME`); do not
edit. A run's rounds have the seeds 0, 1, 2 …; parts without a section have not been run whole yet.
What goes wrong one at a time: [faults.md](faults.md).
"""


def document(page: str, name: str, about: str, outcomes: Sequence[str], *, seconds: float) -> str:
    """Return the page with the section of a module: `about` is its docstring; one of `outcomes` a
    round, "FAILED" first where a promise was broken."""
    failed = [outcome for outcome in outcomes if outcome.startswith("FAILED")]
    text = about.strip().split("\n\n")[0].replace("\n", " ")
    section = (
        f"## {name}\n\n{text}\n\n"
        "| rounds | with a broken promise | minutes |\n| --- | --- | --- |\n"
        f"| {len(outcomes)} | {len(failed)} | {seconds / 60:.1f} |\n\n"
        f"{'First failure' if failed else 'Last round'}: {(failed or outcomes[-1:])[0]}.\n"
    )
    return with_section(page, _OPENING, name, section)
