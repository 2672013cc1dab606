"""`tubethread eval` runs the tests' evaluation where there is one."""

from __future__ import annotations

from bot.cli.evaluate import evaluate
from bot.cli.exit_codes import NO_CLONE


def test_the_evaluation_gets_the_arguments_and_gives_the_exit_code(tmp_path):
    module = tmp_path / "tests" / "eval" / "__main__.py"
    module.parent.mkdir(parents=True)
    module.write_text("import sys; sys.exit(len(sys.argv[1:]) + 40)")
    assert evaluate(["--url", "http://127.0.0.1:1"], tmp_path) == 42


def test_without_a_clone_it_says_where_the_evaluation_is(tmp_path, capfd):
    assert evaluate([], tmp_path) == NO_CLONE
    assert "clone of the repository" in capfd.readouterr().err
