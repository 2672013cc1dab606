"""`python -m tests.faults`: write docs/faults.md."""

from __future__ import annotations

from pathlib import Path

from tests.faults.matrix import page

(Path(__file__).parents[2] / "docs" / "faults.md").write_text(page(), encoding="utf-8")
