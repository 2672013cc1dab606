"""The order of requests to a child: questions before ingests."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from core.workers.remote_backends import (
    EMBED_BATCH,
    ModelDownloads,
    RemoteEmbedder,
    RemoteKeywordIndex,
    RemoteVectorIndex,
)
from tests.fakes.worker import ScriptedWorker

VECTOR = np.zeros(2, dtype=np.float32)
PASSAGES = [f"passage {n}" for n in range(5 * EMBED_BATCH)]
A_FEW = f"embed passage {EMBED_BATCH}"


@pytest.fixture
def worker():
    return ScriptedWorker()


@pytest.fixture
def embedder(worker):
    return RemoteEmbedder(worker, "tiny", ModelDownloads(worker, is_offline=True))


async def ask(worker):
    """Send every request that retrieval makes for one question."""
    embedder = RemoteEmbedder(worker, "tiny", ModelDownloads(worker, is_offline=True))
    vectors, keywords = RemoteVectorIndex(worker), RemoteKeywordIndex(worker)
    await embedder.load()
    await embedder.embed(["Why?"], "question")
    await vectors.holdings("hive")
    await keywords.holdings("hive")
    await keywords.matching("hive", ["why"], 5)
    await vectors.nearest("hive", VECTOR, 5)


async def test_an_ingest_embeds_a_few_texts_per_request(worker, embedder):
    vectors = await embedder.embed(PASSAGES, "passage")
    assert worker.served == [A_FEW] * 5
    assert vectors.shape == (len(PASSAGES), 2)


async def test_a_question_waits_for_one_request_at_most(worker, embedder):
    """For each of its requests, however many ingests are queued."""
    ingests = [asyncio.create_task(embedder.embed(PASSAGES, "passage")) for _ in range(4)]
    await asyncio.sleep(0)
    assert worker.served == [A_FEW]
    await ask(worker)
    asked = [place for place, served in enumerate(worker.served) if served != A_FEW]
    assert len(asked) == 6
    assert asked[0] == 1
    assert all(after - before <= 2 for before, after in pairwise(asked))
    await asyncio.gather(*ingests)
    assert worker.served.count(A_FEW) == 20


async def test_a_put_waits_until_questions_are_served(worker, embedder):
    vectors, keywords = RemoteVectorIndex(worker), RemoteKeywordIndex(worker)
    ingest = asyncio.create_task(embedder.embed(PASSAGES, "passage"))
    await asyncio.sleep(0)
    puts = (vectors.put("hive", "v", "d", [], VECTOR), keywords.put("hive", "v", "d", []))
    await asyncio.gather(*puts, embedder.embed(["Why?"], "question"), ingest)
    others = [served for served in worker.served if served != A_FEW]
    assert others == ["embed question 1", "vectors.put", "keywords.put"]
