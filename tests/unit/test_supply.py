"""Every package that we ask for has a reason, everything but yt-dlp is pinned, and what a scan for
advisories means.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.audit import judge

ROOT = Path(__file__).parents[2]
FILES = ("requirements.txt", "requirements-dev.txt")
UNPINNED = Requirement("yt-dlp[default,deno]")
"""With all that only it asks for."""
OF_THE_VENV = {"pip"}
OF_CUDA = re.compile(r"nvidia-(?!ml-py)|cuda-|triton")
"""What a CUDA build of torch brings by itself."""


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text().splitlines()


def requirements(name: str) -> list[Requirement]:
    found = (line.partition("#")[0].strip() for line in lines(name))
    return [Requirement(line) for line in found if line]


def reasons(name: str) -> dict[str, str]:
    """Requirement → what its line says, or the comment right above it."""
    found, above = {}, ""
    for line in lines(name):
        asked, _, reason = (part.strip() for part in line.partition("#"))
        if asked:
            found[asked] = reason or above
        above = reason if reason and not asked else ""
    return found


def closure(wanted: list[Requirement]) -> set[str]:
    """The names of all that is installed for the requirements on this machine."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(one.name, extra) for one in wanted for extra in ("", *one.extras)]
    while waiting:
        name, extra = waiting.pop()
        name = canonicalize_name(name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            required = metadata.requires(name) or ()
        except metadata.PackageNotFoundError:
            continue  # for another machine
        found.add(name)
        for line in required:
            one = Requirement(line)
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                waiting += [(one.name, more) for more in ("", *one.extras)]
    return found


def pins() -> dict[str, str]:
    """Version by name, of the pins for this machine."""
    known = requirements("constraints.txt")
    assert all(len(one.specifier) == 1 and "==" in str(one.specifier) for one in known)
    here = [one for one in known if one.marker is None or one.marker.evaluate()]
    return {canonicalize_name(one.name): str(one.specifier)[2:] for one in here}


def test_no_tool_makes_every_index_child_start_slowly() -> None:
    """jsonschema, which Chroma imports, imports it where it is installed, in 3 s of CPU."""
    wanted = [one for name in FILES for one in requirements(name)]
    assert "rfc3987-syntax" not in closure(wanted)


@pytest.mark.parametrize("name", FILES)
def test_each_package_that_we_ask_for_has_a_reason(name):
    assert reasons(name)
    assert [asked for asked, reason in reasons(name).items() if len(reason) < 5] == []


def test_all_but_yt_dlp_is_pinned_with_what_it_needs():
    asked = [one for name in FILES for one in requirements(name)]
    others = closure([one for one in asked if one.name != UNPINNED.name])
    free = closure([UNPINNED]) | OF_THE_VENV
    assert {name for name in others - pins().keys() - free if not OF_CUDA.match(name)} == set()
    assert UNPINNED.name not in pins()


def test_what_is_installed_is_what_is_pinned():
    asked = [one for name in FILES for one in requirements(name)]
    installed = {name: metadata.version(name) for name in closure(asked)}
    known = pins()
    other = {
        name: version
        for name, version in installed.items()
        if name in known and version.partition("+")[0] != known[name]
    }
    assert other == {}


def test_no_pin_is_left_of_a_package_that_nothing_asks_for():
    asked = [one for name in FILES for one in requirements(name)]
    elsewhere = {
        canonicalize_name(one.name)
        for one in requirements("constraints.txt")
        if one.marker is not None
    }
    assert pins().keys() - closure(asked) - elsewhere <= set()


def scanned(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


ADVISORY = {"id": "PYSEC-1", "fix_versions": ["2.1"], "aliases": ["CVE-1"], "description": "…"}
FINE = {"name": "fine", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2.0", "vulns": [ADVISORY]}
UNKNOWN = {"name": "local", "skip_reason": "not found"}


def test_an_advisory_fails_and_is_named():
    verdict = judge(1, scanned(FINE, BAD, UNKNOWN), "Found 1 known vulnerability")
    assert verdict.code == 1
    assert verdict.lines[1:] == ["bad 2.0: PYSEC-1, fixed in 2.1", "Not looked up: local"]


def test_without_an_advisory_all_is_well():
    verdict = judge(0, scanned(FINE), "")
    assert (verdict.code, verdict.lines) == (0, ["Packages looked up: 1; advisories found: 0."])


def test_an_accepted_advisory_does_not_fail(monkeypatch):
    monkeypatch.setitem(judge.__globals__["ACCEPTED"], "CVE-1", "we never call it")
    assert judge(1, scanned(BAD), "").code == 0


@pytest.mark.parametrize(
    ("code", "out", "err"),
    [
        (0, scanned(UNKNOWN, UNKNOWN), "No known vulnerabilities found"),
        (1, "", "ERROR:pip_audit._cli:Could not connect to the vulnerability feed"),
        (1, "", "requests.exceptions.ConnectionError: [Errno 111]"),
    ],
)
def test_an_index_that_cannot_be_reached_is_told_and_is_no_fault(code, out, err):
    verdict = judge(code, out, err)
    assert verdict.code == 0
    assert verdict.lines[0].startswith("Skipped")


def test_a_scan_that_breaks_is_not_taken_for_one_that_found_nothing():
    verdict = judge(1, "", "Traceback (most recent call last):\nKeyError: 'vulns'")
    assert verdict.code == 2
