"""Find a PostgreSQL server for the tests, or start one for the session."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL, make_url

from core.backends.storage.tables import metadata

VARIABLE = "TUBETHREAD_TEST_POSTGRES"
"""Address of a server on which tests may create databases: postgresql+psycopg://…"""

_numbers = count(1)


class NoServer(Exception):
    """Neither a server address nor the programs to start one are available."""


@contextmanager
def server() -> Iterator[URL]:
    """Yield the server's address. Raises NoServer."""
    if address := os.environ.get(VARIABLE):
        yield make_url(address)
        return
    initdb = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=None)
    if initdb is None:
        raise NoServer
    # Not tmp_path: a socket path is limited to 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="tubethread-pg-"))
    try:
        with _running(initdb.parent, folder):
            address = f"postgresql+psycopg://tests@/postgres?host={folder}"
            yield make_url(address)
    finally:
        shutil.rmtree(folder)


@contextmanager
def fresh_database(at: URL) -> Iterator[str]:
    """Create an empty database, yield its address, and drop it afterwards."""
    name = f"tubethread_{os.getpid()}_{next(_numbers)}"
    plain = at.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield at.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def delete_all_rows(url: str) -> None:
    """Make a migrated database as good as new. Creating one writes some 300 files."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(SQL("DELETE FROM {}").format(Identifier(table.name)))


@contextmanager
def _running(programs: Path, folder: Path) -> Iterator[None]:
    user = None
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        user = pwd.getpwnam("postgres").pw_uid
        os.chown(folder, user, -1)
    data = folder / "data"
    quiet = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL}
    made = [programs / "initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8"]
    subprocess.run([*made, "--locale=C", "--no-sync"], check=True, **quiet)
    fast = ["-c", "fsync=off", "-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
    command = [programs / "postgres", "-D", data, *fast]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, **quiet) as process:
        try:
            _wait_for(folder, process)
            yield
        finally:
            process.send_signal(signal.SIGQUIT)  # immediate shutdown: nobody needs the data


def _wait_for(folder: Path, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            psycopg.connect(f"host={folder} user=tests dbname=postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError(f"postgres ended with {process.returncode}")
