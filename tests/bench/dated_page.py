"""A page of figures, each section with when and on what it was measured."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from tests.bench.machine import machine


def with_section(page: str, opening: str, title: str, section: str) -> str:
    """Return the page with this section, in the place of the one with its title, or last.

    `section` begins with the line "## TITLE". The date and the machine are added below it."""
    here = machine()
    measured = (
        f"*Measured on {datetime.now(UTC):%Y-%m-%d} with {here['cores']} cores, {here['memory']},"
        f" Python {here['python']}, {here['packages']}, tubethread {version('tubethread')}.*"
    )
    sections = dict(_sections(page))
    sections[title] = f"{section}\n{measured}\n"
    return "\n".join([opening, *sections.values()])


def _sections(page: str) -> Iterator[tuple[str, str]]:
    """Yield each section's title and text.

    >>> list(_sections("# Page\\n\\n## One\\n\\nText.\\n\\n## Two\\n"))
    [('One', '## One\\n\\nText.\\n'), ('Two', '## Two\\n')]
    """
    for section in re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]:
        yield section.partition("\n")[0].removeprefix("## "), section.rstrip("\n") + "\n"
