"""A model hub on loopback with one repository, as huggingface_hub asks for it.

with running({"model.bin": b"…"}) as url: start a program with hub_environment(url, folder)
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "5" * 40
_PIECES = 4


def hub_environment(url: str, home: Path) -> dict[str, str]:
    """The environment of a program that asks this hub. huggingface_hub reads it at import."""
    return {"HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}


@contextmanager
def running(files: Mapping[str, bytes], pause_s: float = 0.0) -> Iterator[str]:
    """Serve the files from a thread. `pause_s`: before each quarter of a file."""

    class Handler(_Handler):
        served, pause = files, pause_s

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: Mapping[str, bytes]
    pause: float

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/api/"):
            return self._send(json.dumps(self._about(path)).encode(), with_body)
        content = self.served.get(path.partition(f"/resolve/{COMMIT}/")[2])
        if content is None:
            return self.send_error(404)
        return self._send(content, with_body)

    def _about(self, path: str) -> object:
        if "/tree/" in path:
            return [
                {"type": "file", "path": name, "size": len(content), "oid": _oid(content)}
                for name, content in self.served.items()
            ]
        siblings = [{"rfilename": n, "size": len(c)} for n, c in self.served.items()]
        return {"id": "counterpart", "sha": COMMIT, "siblings": siblings}

    def _send(self, content: bytes, with_body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{_oid(content)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        size = -(-len(content) // _PIECES) or 1
        for at in range(0, len(content) if with_body else 0, size):
            time.sleep(self.pause)
            self.wfile.write(content[at : at + size])

    def log_message(self, format: str, *args: object) -> None:
        pass


def _oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
