"""Every fault of the matrix has its test, and docs/faults.md says what the tests and texts say."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.faults.matrix import MATRIX, page
from tests.harness import fault_pairs

TESTS = Path(__file__).parents[1]
COUNTS = {
    "YouTube": 20,
    "Captions": 6,
    "Speech recognition": 10,
    "Language model": 14,
    "Index": 6,
    "Discord": 22,
    "Telegram": 11,
    "Host": 7,
}

CELLS = [(component, cell) for component, cells in MATRIX.items() for cell in cells]


def test_the_matrix_has_96_faults_each_once():
    assert {component: len(cells) for component, cells in MATRIX.items()} == COUNTS
    assert len({(component, cell.fault) for component, cell in CELLS}) == 96


def test_every_cell_is_injected_into_pairs_or_says_why_not():
    told = [*fault_pairs.known(), *fault_pairs.ELSEWHERE]
    assert sorted(told) == sorted((component, cell.fault) for component, cell in CELLS)


def test_every_cell_has_a_test():
    assert [cell.fault for _, cell in CELLS if not cell.proofs] == []


@pytest.mark.parametrize(
    "proof", sorted({proof for _, cell in CELLS for proof in cell.proofs}), ids=str
)
def test_a_proof_is_a_test_that_there_is(proof):
    file, name, case = re.fullmatch(r"([^:]+)::(\w+)(?:\[(.*)\])?", proof).groups()
    functions, constants = _written(TESTS / file)
    assert name in functions
    assert name.startswith("test_")
    assert case is None or case in constants


@cache
def _written(path: Path) -> tuple[set[str], set[str]]:
    """Return a module's functions, and its constants as text: the cases of its parameters."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    functions = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    return functions, {str(node.value) for node in nodes if isinstance(node, ast.Constant)}


def test_the_page_is_written_from_the_tests_and_the_texts():
    written = (TESTS.parent / "docs" / "faults.md").read_text(encoding="utf-8")
    assert written == page(), "write it again: python -m tests.faults"
