"""Look up known advisories for all installed packages. `make audit`.

Exits with 1 if there is one, and with 0 where no index of advisories can be reached: that is no
fault of the code that is checked. What could not be looked up is always told.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

ACCEPTED: dict[str, str] = {}
"""Advisories that do not concern us: id → why."""

_UNREACHABLE = ("ConnectionError", "Could not connect", "Max retries exceeded", "timed out")
_COMMAND = ("-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--skip-editable")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lines`: for who reads the log."""

    code: int
    lines: list[str]


def judge(code: int, out: str, err: str) -> Verdict:
    """What pip-audit's exit code and output mean."""
    try:
        packages = json.loads(out)["dependencies"]
    except (ValueError, KeyError):
        if any(sign in err for sign in _UNREACHABLE):
            return Verdict(0, ["Skipped: no index of advisories can be reached."])
        return Verdict(2, [f"pip-audit failed with exit code {code}.", *err.splitlines()[-5:]])
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        return Verdict(0, ["Skipped: the index that was reached knows no advisories."])
    found = [
        f"{package['name']} {package['version']}: {one['id']}, fixed in {_fixed(one)}"
        for package in audited
        for one in package["vulns"]
        if not ACCEPTED.keys() & {one["id"], *one.get("aliases", ())}
    ]
    left_out = [package["name"] for package in packages if "skip_reason" in package]
    told = [f"Packages looked up: {len(audited)}; advisories found: {len(found)}.", *found]
    if left_out:
        told.append("Not looked up: " + ", ".join(left_out))
    return Verdict(1 if found else 0, told)


def _fixed(advisory: dict[str, object]) -> str:
    versions = advisory.get("fix_versions")
    return (
        ", ".join(map(str, versions)) if isinstance(versions, list) and versions else "no release"
    )


def main() -> None:
    ran = subprocess.run([sys.executable, *_COMMAND], capture_output=True, text=True, check=False)
    verdict = judge(ran.returncode, ran.stdout, ran.stderr)
    print(*verdict.lines, sep="\n")
    sys.exit(verdict.code)


if __name__ == "__main__":
    main()
