"""This file puts the core together: it picks the real backends, and closes them again."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from core.backends.bm25 import Bm25
from core.backends.storage.addresses import database_url, jobs_url
from core.backends.storage.database import engine_for_jobs, sqlite_file
from core.backends.storage.sqlite_copy import copy
from core.backends.storage.store import Store, open_store
from core.backends.subtitles import read_subtitles
from core.backup.daily_copies import FOLDER, keeping_copies, naming_the_newest
from core.config import LOG_FILE, Core, Llm
from core.errors import DataUnwritable
from core.jobs.lazy import Lazy
from core.pipeline.engine import Engine
from core.pipeline.front import Pipeline
from core.pipeline.ingest import Ingest
from core.ports import ChatRecords, LanguageModel
from core.search.caches import Caches
from core.search.indexing import Indexer
from core.search.retriever import Retriever
from core.transcription.transcript_maker import TranscriptMaker
from core.workers.child_settings import make_supervisor
from core.workers.limits import FETCH, INDEX, SPEECH
from core.workers.remote_backends import (
    RemoteEmbedder,
    RemoteFetcher,
    RemoteKeywordIndex,
    RemoteTranscriber,
    RemoteVectorIndex,
)

if TYPE_CHECKING:
    from core.jobs.durable_jobs import DurableJobs

SOLE = "tubethread"
"""A SQLite store has one worker at a time, whatever its machine or container is called today."""


@dataclass(frozen=True, slots=True)
class ChatCore:
    """The core's front, and what the chat platforms keep in its store."""

    pipeline: Pipeline
    records: ChatRecords


@asynccontextmanager
async def open_core(
    config: Core, *, stays: bool = False, works: bool = False
) -> AsyncIterator[Pipeline]:
    """The core's front alone, for the terminal. See open_chat_core."""
    async with open_chat_core(config, stays=stays, works=works) as core:
        yield core.pipeline


@asynccontextmanager
async def open_chat_core(
    config: Core, *, stays: bool = False, works: bool = False
) -> AsyncIterator[ChatCore]:
    """The core, ready for work. No model is loaded and no child started before it is needed.
    `stays`: for more than one command, so that it looks after daily copies of the store. `works`:
    it works on jobs, if no other process of this data folder does.

    Raises DataUnwritable, StoreUnreachable, StoreBroken, DiskFull."""
    async with AsyncExitStack() as stack:
        scratch = _make_folders(config.data_dir)
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        store = await stack.enter_async_context(_store(config, stays=stays))
        fetch, speech, index = [
            await stack.enter_async_context(
                make_supervisor(role, config, config.data_dir / LOG_FILE)
            )
            for role in (FETCH, SPEECH, INDEX)
        ]
        model, check, close = _language_model(config.llm)
        stack.push_async_callback(close)
        fetcher = RemoteFetcher(fetch)
        embedder = RemoteEmbedder(index, config.embedding.model)
        caches = await stack.enter_async_context(
            Caches(
                store.library,
                store.chunks,
                embedder,
                RemoteVectorIndex(index),
                RemoteKeywordIndex(index),
            )
        )
        engine = Engine(
            model,
            check,
            insist=config.llm.engine == "ollama",
            max_answer_tokens=config.llm.max_answer_tokens,
            checkpoints=store.checkpoints,
        )
        indexer = Indexer(store.chunks, store.library, embedder, caches)
        ingest = Ingest(
            videos=store.videos,
            library=store.library,
            checkpoints=store.checkpoints,
            fetcher=fetcher,
            transcript_maker=TranscriptMaker(
                fetcher,
                RemoteTranscriber(speech),
                read_subtitles,
                scratch,
                config.speech,
                config.limits,
                store.checkpoints,
            ),
            indexer=indexer,
            engine=engine,
        )
        jobs = await stack.enter_async_context(Lazy(partial(_jobs, config, ingest, works=works)))
        pipeline = Pipeline(
            videos=store.videos,
            library=store.library,
            threads=store.threads,
            ingest=ingest,
            jobs=jobs.get,
            indexer=indexer,
            retriever=Retriever(store.library, store.chunks, caches, embedder, Bm25()),
            engine=engine,
            language=config.language,
        )
        yield ChatCore(pipeline, chat_records(store))


def chat_records(store: Store) -> ChatRecords:
    """The part of the store that belongs to the chat platforms."""
    return ChatRecords(
        outbox_entries=store.outbox_entries,
        requests=store.requests,
        bindings=store.bindings,
        buttons=store.buttons,
        settings=store.settings,
        usage=store.usage,
    )


@asynccontextmanager
async def _jobs(config: Core, ingest: Ingest, *, works: bool) -> AsyncIterator[DurableJobs]:
    # Imported here: DBOS takes 0.8 s, and what is at hand need not wait for it.
    from core.jobs.durable_jobs import open_jobs
    from core.jobs.workflows import running

    url = jobs_url(config)
    executor = config.jobs.executor or (SOLE if url.startswith("sqlite") else platform.node())
    run = partial(running, url, executor, config.jobs.at_once, ingest)
    lock = config.data_dir / "worker.lock"
    async with open_jobs(url, engine_for_jobs(url), ingest, run if works else None, lock) as jobs:
        yield jobs


@asynccontextmanager
async def _store(config: Core, *, stays: bool) -> AsyncIterator[Store]:
    url, folder = database_url(config), config.data_dir / FOLDER
    file = sqlite_file(url)
    async with AsyncExitStack() as stack:
        with naming_the_newest(folder, file):
            store = await stack.enter_async_context(open_store(url))
        if stays and file:
            await stack.enter_async_context(keeping_copies(folder, file, partial(copy, file)))
        yield store


def _language_model(
    llm: Llm,
) -> tuple[LanguageModel | None, Callable[[], Awaitable[object]], Callable[[], Awaitable[None]]]:
    if llm.engine == "extractive":
        return None, _nothing, _nothing
    from core.backends.ollama.client import Ollama  # here: its client takes 0.4 s to import

    model = Ollama(llm)
    return model, model.check, model.close


async def _nothing() -> None:
    pass


def _make_folders(data_dir: Path) -> Path:
    """This process's own scratch folder. Those of processes that are no more are removed."""
    try:
        (data_dir / "cache").mkdir(parents=True, exist_ok=True)
        scratch = data_dir / "scratch" / str(os.getpid())
        scratch.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnwritable() from error
    for folder in scratch.parent.iterdir():
        if not (folder.name.isdecimal() and psutil.pid_exists(int(folder.name))):
            shutil.rmtree(folder, ignore_errors=True)
    return scratch
