"""docs/reliability.md as `make torture` writes it."""

from tests.bench.reliability_page import document


def test_a_run_replaces_its_own_section_and_names_its_first_failure():
    page = document("", "links", "Ten links.\n\nMore.", ["0 crashes"], seconds=60)
    page = document(page, "jobs", "Jobs.", ["all done"] * 2, seconds=90)
    page = document(
        page, "links", "Ten links.", ["0 crashes", "FAILED one", "FAILED two"], seconds=6
    )
    lines = page.splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# Reliability",
        "## links",
        "## jobs",
    ]
    assert "| 3 | 2 | 0.1 |" in lines
    assert "| 2 | 0 | 1.5 |" in lines
    assert "First failure: FAILED one." in lines
    assert "Last round: all done." in lines
    assert page.count("*Measured on ") == 2
