"""This file checks the bench's own arithmetic."""

from __future__ import annotations

import pytest

from tests.bench.figures import Row, percentile, table


@pytest.mark.parametrize(("share", "figure"), [(0.5, 50), (0.95, 95), (0.951, 96), (1, 100)])
def test_a_percentile_is_a_figure_that_was_measured(share: float, figure: int) -> None:
    figures = list(range(100, 0, -1))

    assert percentile(figures, share) == figure


def test_a_percentile_of_one_figure_is_that_figure() -> None:
    assert percentile([7], 0.01) == percentile([7], 0.99) == 7


def test_a_goal_is_met_up_to_its_limit_and_not_beyond() -> None:
    assert Row("exactly", 0.5, "s", 0.5).is_met
    assert not Row("beyond", 0.51, "s", 0.5).is_met
    assert Row("no goal", 1e9, "s").is_met


def test_a_table_is_aligned_and_shouts_only_what_is_missed() -> None:
    rows = [
        Row("start", 0.4, "s", 0.5, "CPU 0.3 s"),
        Row("memory", 301, "MB", 300),
        Row("told only", 1.234, "×"),
    ]

    assert table(rows).splitlines() == [
        "what       figure      goal  met",
        "start      0.40 s   ≤ 0.5 s  yes  CPU 0.3 s",
        "memory     301 MB  ≤ 300 MB   NO",
        "told only  1.23 ×",
    ]
