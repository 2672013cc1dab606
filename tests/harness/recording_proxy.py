"""An HTTP proxy on loopback that records whom it should connect to, and connects to nobody."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

REFUSED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class RecordingProxy:
    """`url`: for `youtube.proxy`. `hosts`: of every request, in order."""

    url: str = ""
    hosts: list[str] = field(default_factory=list)


@contextmanager
def recording_proxy() -> Iterator[RecordingProxy]:
    """Serve in a thread until the block ends."""
    proxy = RecordingProxy()

    class Connection(socketserver.StreamRequestHandler):
        timeout = 10

        def handle(self) -> None:
            method, _, rest = self.rfile.readline(65_536).decode("latin-1").partition(" ")
            target = rest.split(" ")[0]
            host = f"//{target}" if method == "CONNECT" else target
            proxy.hosts.append(str(urlsplit(host).hostname))
            while self.rfile.readline(65_536) not in (b"\r\n", b""):
                pass
            self.wfile.write(REFUSED)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Connection) as server:
        proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield proxy
        server.shutdown()
