"""A worker without a child process: serves requests one at a time and records their order."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from core.workers.priority_lock import PriorityLock
from core.workers.protocol import decode, encode


class ScriptedWorker:
    """Stand-in for `ChildSupervisor`: serves one request at a time, each in one loop iteration, and
    stores nothing."""

    def __init__(self) -> None:
        self.served: list[str] = []
        """Method names; for `embed`, also the kind and the number of texts."""
        self._turn = PriorityLock()

    async def call(
        self, method: str, on_progress: object = None, *, urgent: bool = False, **args: Any
    ) -> Any:
        async with self._turn(urgent=urgent):
            texts = args.get("texts", ())
            self.served.append(f"{method} {args['kind']} {len(texts)}" if texts else method)
            await asyncio.sleep(0)
            if method == "embed":
                return decode(encode(np.zeros((len(texts), 2), dtype=np.float32)))
            return {} if method.endswith("holdings") else []
