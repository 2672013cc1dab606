"""Faults that a test requested, pending until a matching call arrives."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("429", "500", "502", "hang", "hang after", "cut", "cut after", "500 after", "502 after")
BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n"
    "</body>\r\n</html>\r\n"
)


@dataclass
class Fault:
    """A requested fault. `kind`: one of KINDS, or Telegram's error text: "Forbidden: bot was kicked
    from the group chat". "after": the call takes effect, but the response is an error or never
    arrives. "hang": nothing happens until `release`. `method` may be "*"; `chat` 0 matches any."""

    method: str
    kind: str
    times: int
    retry_after_s: int
    chat: int
    met: int = 0

    def fits(self, method: str, chat: int) -> bool:
        left = self.met < self.times
        return left and self.method in (method, "*") and self.chat in (0, chat)
