"""Refuse the network beyond loopback, load the hypothesis profiles, and name the recordings."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
ASSETS = ROOT / "tests" / "assets"

# Fixed examples and no deadline everywhere: a busy machine fails no property.
settings.register_profile("test", settings.get_profile("ci"), max_examples=50)
settings.register_profile(
    "torture", settings.get_profile("ci"), derandomize=False, max_examples=1000
)
settings.load_profile("test")

os.environ["HF_HUB_OFFLINE"] = "1"  # child processes inherit it: they ask no model hub either
# Before numpy: pytest's workers outnumber the cores, and OpenBLAS's threads spin while they wait.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["PTB_TIMEDELTA"] = "true"  # as the program sets it, whichever test comes first


class NetworkRefused(OSError):
    """A test reached for an address beyond this machine."""


def _refuse_the_network(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook: it sees every connection of this process, and no library can go around it."""
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = str(args[1][0])
    elif event == "socket.getaddrinfo":
        host = str(args[0] or "localhost")
    else:
        return
    if not _is_loopback(host):
        raise NetworkRefused(f"a test may not reach {host}")


def _is_loopback(host: str) -> bool:
    if host in ("localhost", "0.0.0.0", "::", "b'localhost'"):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


sys.addaudithook(_refuse_the_network)


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the demo: a two-minute lecture and a small speech model."""
    return EXAMPLES


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of the tests' own data: two ten-minute lectures with reference text and facts."""
    return ASSETS


@pytest.fixture
def forked_children(monkeypatch) -> None:
    """Let this process's child processes be forks of ones that have imported their libraries."""
    from core.workers import child_process
    from tests.harness import warm_children, warm_start

    monkeypatch.setattr(child_process, "run_child", child_process.run_child)  # put back
    kinds = (*warm_start.CHILDREN, "misbehaving")
    warm_children.install({kind: warm_start.address_of(kind) for kind in kinds})
