"""Ingests by a model that writes as recorded and breaks as real servers do."""

from __future__ import annotations

from tests.torture.writer import round


async def test_every_ingest_is_ready_whatever_the_model_writes(tmp_path):
    assert "10 ready" in await round(tmp_path, seed=0)
