"""Doctor's checks in the user's language: what was found, and how to fix it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size

from bot.rendering.errors import describe_error, public_fact
from bot.words import Words
from core.model import Check


@dataclass(frozen=True, slots=True)
class CheckText:
    """A check as users see it: `detail` is what was found, `fix` the next step, or empty."""

    name: str
    status: str
    detail: str
    fix: str


def describe_check(check: Check, words: Words) -> CheckText:
    """Put a check into words. An error whose hint is to run `doctor` has another fix here."""
    if isinstance(check.error, Exception):
        error = describe_error(check.error, words)
        key = f"checks.errors.{error.code}.fix"
        fix = words(key) if key in words else error.hint
        return CheckText(check.name, check.status, error.message, fix)
    key = "checks.slow" if check.case == "slow" else f"checks.{check.name}.{check.case}"
    facts = {name: public_fact(value) for name, value in check.facts.items()}
    fix = words(f"{key}.fix", **facts) if f"{key}.fix" in words else ""
    return CheckText(check.name, check.status, words(f"{key}.detail", **facts), fix)


def render_checks(checks: Sequence[Check], words: Words) -> str:
    """One line for each check, and below it the fix, if any."""
    lines = []
    for check in checks:
        text = describe_check(check, words)
        status = set_cell_size(words(f"checks.statuses.{text.status}"), 4)
        lines.append(f"{status}  {words(f'checks.{text.name}.name')}: {text.detail}")
        if text.fix:
            lines.append(f"    → {text.fix}")
    return "\n".join(lines)
