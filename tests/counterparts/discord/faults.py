"""Faults that a test requested, pending until a matching request arrives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = (
    int
    | Literal[
        "429 user",
        "429 global",
        "429 shared",
        "500",
        "502",
        "500 after",
        "502 after",
        "cloudflare",
        "hang",
        "cut",
        "cut after",
    ]
)
"""A number: fail with that JSON error code. "after": the request takes effect, but the response is
an error or never arrives. "hang": nothing happens until `release`."""


@dataclass
class Fault:
    """A requested fault. `path`: a regular expression, searched in the path after /api/v10."""

    method: str
    path: str
    kind: Kind
    times: int
    retry_after_s: float
    met: int = 0

    def fits(self, method: str, path: str) -> bool:
        left = self.met < self.times
        return left and self.method in (method, "*") and bool(re.search(self.path, path))


CLOUDFLARE = """<!DOCTYPE html>
<html lang="en-US"><head>
<title>Access denied | discord.com used Cloudflare to restrict access</title></head>
<body><h1>Error 1015</h1><p>You are being rate limited</p></body></html>
"""
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>502</body></html>"
