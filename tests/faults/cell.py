"""One cell of the fault matrix: a fault, what people read, what is left, and who proves it."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import CoreError


@dataclass(frozen=True, slots=True)
class Cell:
    """`reads`: the error that is told, or the key of a text in bot/locale; None: nothing is told,
    the work goes on. `proof`: "FILE::TEST" or "FILE::TEST[CASE]" below tests/, more than one
    joined by " + "."""

    fault: str
    reads: CoreError | str | None
    state: str
    tries: str
    proof: str

    @property
    def proofs(self) -> list[str]:
        """Return the tests, one by one."""
        return [proof.strip() for proof in self.proof.split(" + ") if proof.strip()]
