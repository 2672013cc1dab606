"""Take rights away from a process, or a thread, that reads strangers' files, by Landlock where the
kernel has it.

https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls, with these numbers on every architecture."""
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_NO_NEW_PRIVILEGES = 38
_READ = 0b1101
"""Read and execute files, and list folders."""
_ALL = 0xFFFF
_RIGHTS_OF_A_FILE = 0b111 | 0b11 << 14
"""Read, write, execute, truncate, ioctl."""
_SYSTEM = (
    *("/bin", "/lib", "/lib64", "/nix", "/opt", "/proc", "/sbin", "/sys", "/usr"),
    # Of /etc and /run only what programs look up: settings and secrets of services lie there too.
    *("/etc/alternatives", "/etc/ca-certificates", "/etc/crypto-policies", "/etc/gai.conf"),
    *("/etc/group", "/etc/host.conf", "/etc/hosts", "/etc/ld.so.cache", "/etc/ld.so.conf"),
    *("/etc/ld.so.conf.d", "/etc/localtime", "/etc/machine-id", "/etc/mime.types"),
    *("/etc/nsswitch.conf", "/etc/os-release", "/etc/passwd", "/etc/pki", "/etc/protocols"),
    *("/etc/resolv.conf", "/etc/services", "/etc/ssl", "/etc/static", "/etc/timezone"),
    *("/run/NetworkManager", "/run/current-system", "/run/nscd", "/run/nvidia-persistenced"),
    *("/run/opengl-driver", "/run/resolvconf", "/run/systemd/resolve"),
)
_DEVICES = (
    *("full", "null", "random", "shm", "tty", "urandom", "zero"),
    # Graphics cards: NVIDIA's, those of its small computers, Windows', AMD's.
    *("nvidia*", "nvhost*", "nvmap", "dxg", "dri", "kfd"),
)
_PARTS_OF_PYTHON = (
    *("bin", "etc", "include", "lib", "lib64", "libexec", "pyvenv.cfg", "share", "ssl"),
)
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many rights to files each version of Landlock knows; later ones know 16."""
_NETWORK_RIGHTS = 0b11
"""Bind and connect by TCP, from version 4 on."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def forbid_files() -> bool:
    """Let the calling thread open no file from now on, and connect to nothing. Files that are open
    stay open. False where the kernel cannot do that."""
    return _restrict([], _NETWORK_RIGHTS)


def confine(
    readable: Iterable[Path],
    writable: Iterable[Path],
    hidden: Iterable[Path] = (),
    *,
    network: bool = True,
) -> bool:
    """Let the calling thread, and all that it starts, use only files in these places and in those
    of the system and of Python, there none in `hidden`. Without `network` it can neither bind nor
    connect by TCP. False where the kernel cannot do that.

    Call it before any other thread starts: those that run already keep their rights."""
    ours = Path(__file__).resolve().parents[1]  # may hold config.yaml
    kept = {ours, *(path.resolve() for path in hidden)}
    read = [place for whole in _places_of_programs(ours) for place in _without(whole, kept)]
    devices = [device for name in _DEVICES for device in Path("/dev").glob(name)]
    rights = [(path, _READ) for path in (*read, *readable)]
    rights += [(path, _ALL) for path in (*devices, *writable)]
    known = [(path, allowed) for path, allowed in rights if path.exists()]
    return _restrict(known, 0 if network else _NETWORK_RIGHTS)


def _places_of_programs(ours: Path) -> Iterator[Path]:
    """Yield where the system, Python and our own code lie."""
    yield from map(Path, _SYSTEM)
    yield Path(__file__).parent
    for prefix in (sys.prefix, sys.base_prefix):
        yield from (Path(prefix, part) for part in _PARTS_OF_PYTHON)
    yield from (place for entry in sys.path if (place := Path(entry or ".").resolve()) != ours)
    programs = [*os.get_exec_path(), *os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)]
    yield from (Path(folder) for folder in programs if folder.startswith("/"))
    yield from (Path(os.environ[name]) for name in _CERTIFICATES if os.environ.get(name))


def _without(place: Path, hidden: Collection[Path]) -> Iterator[Path]:
    """Yield the place, or what lies in it beside the hidden folders where one of them does."""
    real = place.resolve()
    if real in hidden:
        return
    if not any(real in folder.parents for folder in hidden):
        yield place
        return
    with suppress(OSError):  # what cannot be listed is not needed either
        for entry in real.iterdir():
            yield from _without(entry, hidden)


def _restrict(rights_by_path: Sequence[tuple[Path, int]], network_rights: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    if version < 1:
        return False
    known = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    rules = _Ruleset(known, network_rights)
    size = ctypes.sizeof(rules) if version >= 4 else ctypes.sizeof(ctypes.c_uint64)
    ruleset = _call(libc, _CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    try:
        for path, rights in rights_by_path:
            _allow(libc, ruleset, path, rights & known)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
        _call(libc, _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights if path.is_dir() else rights & _RIGHTS_OF_A_FILE, opened)
        _call(libc, _ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(opened)


def _call(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    result: int = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")
    return result
