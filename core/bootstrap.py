"""The composition root: build the core from its backends, and close them at the end."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from core.backends.bm25 import Bm25
from core.backends.huggingface_cache import is_offline
from core.backends.storage.addresses import database_url, jobs_url
from core.backends.storage.database import engine_for_jobs, sqlite_file
from core.backends.storage.sqlite_copy import copy
from core.backends.storage.store import Store, open_store
from core.backends.subtitles import read_subtitles
from core.backup.daily_copies import FOLDER, keeping_copies, naming_the_newest
from core.backup.outdated_copies import StoreCopies
from core.config import Core, Llm
from core.errors import DataUnwritable
from core.jobs.lazy import Lazy
from core.metrics.counting import counting
from core.metrics.measured_ports import (
    MeasuredModel,
    MeasuredOutboxEntries,
    MeasuredThreads,
    MeasuredTranscriber,
    MeasuredUsage,
    measured,
)
from core.pipeline.engine import Engine
from core.pipeline.front import Pipeline
from core.pipeline.ingest import Ingest
from core.pipeline.retention import Retention
from core.pipeline.youtube_gate import YouTubeGate
from core.ports import ChatRecords, Copies, Embedder, Fetcher, LanguageModel, Threads, Transcriber
from core.search.caches import Caches
from core.search.indexing import Indexer
from core.search.retriever import Retriever
from core.secrecy import make_private
from core.transcription.transcript_maker import TranscriptMaker
from core.workers.child_settings import make_supervisor
from core.workers.limits import FETCH, INDEX, MODELS, SPEECH
from core.workers.remote_backends import (
    ModelDownloads,
    RemoteEmbedder,
    RemoteFetcher,
    RemoteKeywordIndex,
    RemoteTranscriber,
    RemoteVectorIndex,
)
from core.workers.supervisor import ChildSupervisor

if TYPE_CHECKING:
    from core.jobs.durable_jobs import DurableJobs
    from core.metrics.instruments import Instruments
    from core.metrics.observer import Observer

GATE_FILE = "youtube-gate.json"
"""In the data folder: until when YouTube is left alone."""
SQLITE_EXECUTOR = "tubethread"
"""Who works on the jobs of a SQLite store: always one process, on a machine or in a container whose
name may change."""


@dataclass(frozen=True, slots=True)
class ChatCore:
    """The core's front, and what the chat platforms keep in its store."""

    pipeline: Pipeline
    records: ChatRecords
    check_store: Callable[[], Awaitable[None]]
    """Writes a row. Raises StoreBroken, DiskFull, DataUnwritable."""
    observer: Observer | None = None
    """Where the settings want metrics."""


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
    """Open the core. Models are loaded and child processes started when they are first needed.

    `stays`: the process runs for more than one command and makes daily copies of the store.
    `works`: work on jobs, unless another process of this data folder does.

    Raises DataUnwritable, StoreUnreachable, StoreBroken, DiskFull."""
    async with AsyncExitStack() as stack:
        scratch = _make_folders(config.data_dir)
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        store, copies = await stack.enter_async_context(_store(config, stays=stays))
        children = await stack.enter_async_context(_children(config))
        instruments = stack.enter_context(counting(config.metrics))
        embedder = RemoteEmbedder(children.index, config.embedding.model, children.downloads)
        caches = await stack.enter_async_context(_caches(store, embedder, children))
        if stays:
            stack.push_async_callback(_stop, asyncio.create_task(caches.follow()))
        engine = await stack.enter_async_context(_engine(config, store, instruments))
        indexer = Indexer(store.chunks, store.library, embedder, caches)
        gate = YouTubeGate(RemoteFetcher(children.fetch), config.data_dir / GATE_FILE)
        transcriber: Transcriber = RemoteTranscriber(children.speech, children.downloads)
        transcriber = measured(MeasuredTranscriber, transcriber, instruments)
        threads: Threads = store.threads
        maker = _transcript_maker(config, store, gate, transcriber, scratch)
        ingest = _ingest(store, gate, maker, engine, indexer)
        jobs = await stack.enter_async_context(
            Lazy(partial(_jobs, config, ingest, gate, works=works))
        )
        pipeline = Pipeline(
            videos=store.videos,
            library=store.library,
            threads=measured(MeasuredThreads, threads, instruments),
            ingest=ingest,
            jobs=jobs.get,
            indexer=indexer,
            retriever=Retriever(store.library, store.chunks, caches, embedder, Bm25()),
            engine=engine,
            language=config.language,
            copies=copies,
        )
        if stays and config.retention.days:
            retention = Retention(store.library, pipeline.forget, config.retention.days)
            stack.push_async_callback(_stop, asyncio.create_task(retention.follow()))
        records, observer = chat_records(store), None
        if instruments:
            records, observer = _observed(records, instruments, pipeline, children, gate)
        yield ChatCore(pipeline, records, store.write_once, observer)


@dataclass(frozen=True, slots=True)
class _Children:
    """The child processes, by what they do."""

    fetch: ChildSupervisor
    speech: ChildSupervisor
    index: ChildSupervisor
    downloads: ModelDownloads


@asynccontextmanager
async def _children(config: Core) -> AsyncIterator[_Children]:
    async with AsyncExitStack() as stack:
        fetch, speech, index, models = [
            await stack.enter_async_context(make_supervisor(role, config))
            for role in (FETCH, SPEECH, INDEX, MODELS)
        ]
        yield _Children(fetch, speech, index, ModelDownloads(models, is_offline=is_offline()))


def _caches(store: Store, embedder: Embedder, children: _Children) -> Caches:
    vectors, keywords = RemoteVectorIndex(children.index), RemoteKeywordIndex(children.index)
    return Caches(store.library, store.chunks, embedder, vectors, keywords)


def _observed(
    records: ChatRecords,
    instruments: Instruments,
    pipeline: Pipeline,
    children: _Children,
    gate: YouTubeGate,
) -> tuple[ChatRecords, Observer]:
    from core.metrics.observer import Observed, Observer  # imported here: few want it

    outbox = MeasuredOutboxEntries(records.outbox_entries, instruments)
    usage = MeasuredUsage(records.usage, instruments)
    processes = (children.fetch, children.speech, children.index)
    observer = Observer(instruments, Observed(pipeline, processes, gate, outbox))
    return replace(records, outbox_entries=outbox, usage=usage), observer


@asynccontextmanager
async def _engine(
    config: Core, store: Store, instruments: Instruments | None
) -> AsyncIterator[Engine]:
    model, check, close = _language_model(config.llm)
    try:
        yield Engine(
            model and measured(MeasuredModel, model, instruments),
            check,
            insist=config.llm.engine in ("ollama", "openai"),
            max_answer_tokens=config.llm.max_answer_tokens,
            checkpoints=store.checkpoints,
        )
    finally:
        await close()


def _transcript_maker(
    config: Core, store: Store, fetcher: Fetcher, transcriber: Transcriber, scratch: Path
) -> TranscriptMaker:
    return TranscriptMaker(
        fetcher,
        transcriber,
        read_subtitles,
        scratch,
        config.speech,
        config.limits,
        store.checkpoints,
    )


def _ingest(
    store: Store, fetcher: Fetcher, maker: TranscriptMaker, engine: Engine, indexer: Indexer
) -> Ingest:
    return Ingest(
        videos=store.videos,
        library=store.library,
        checkpoints=store.checkpoints,
        fetcher=fetcher,
        transcript_maker=maker,
        indexer=indexer,
        engine=engine,
    )


def chat_records(store: Store) -> ChatRecords:
    """The part of the store that belongs to the chat platforms."""
    return ChatRecords(
        outbox_entries=store.outbox_entries,
        requests=store.requests,
        bindings=store.bindings,
        buttons=store.buttons,
        settings=store.settings,
        usage=store.usage,
        memberships=store.memberships,
    )


@asynccontextmanager
async def _jobs(
    config: Core, ingest: Ingest, gate: YouTubeGate, *, works: bool
) -> AsyncIterator[DurableJobs]:
    # Imported here: DBOS takes 0.8 s, which commands without jobs need not wait for.
    from core.jobs.durable_jobs import open_jobs
    from core.jobs.workflows import running

    url = jobs_url(config)
    executor = config.jobs.executor or (
        SQLITE_EXECUTOR if url.startswith("sqlite") else platform.node()
    )
    run = partial(running, url, executor, config.jobs.at_once, ingest)
    lock = config.data_dir / "worker.lock"
    async with open_jobs(
        url, engine_for_jobs(url), ingest, run if works else None, lock, gate.pause_s
    ) as jobs:
        yield jobs


@asynccontextmanager
async def _store(config: Core, *, stays: bool) -> AsyncIterator[tuple[Store, Copies | None]]:
    url, folder = database_url(config), config.data_dir / FOLDER
    file = sqlite_file(url)
    async with AsyncExitStack() as stack:
        with naming_the_newest(folder, file):
            store = await stack.enter_async_context(open_store(url))
        if file is None:
            yield store, None
            return
        copies = StoreCopies(folder, file, partial(copy, file), store.outdated_copies)
        if stays:
            keeping = keeping_copies(folder, file, partial(copy, file), copies.replace_outdated)
            await stack.enter_async_context(keeping)
        yield store, copies


def _language_model(
    llm: Llm,
) -> tuple[LanguageModel | None, Callable[[], Awaitable[object]], Callable[[], Awaitable[None]]]:
    if llm.engine == "extractive":
        return None, _nothing, _nothing
    # Imported here: a client takes 0.2 to 0.4 s, and only one is used.
    if llm.engine == "openai":
        from core.backends.openai.client import OpenAi

        server = OpenAi(llm)
        return server, server.check, server.close
    from core.backends.ollama.client import Ollama

    model = Ollama(llm)
    return model, model.check, model.close


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def _nothing() -> None:
    pass


def _make_folders(data_dir: Path) -> Path:
    """Make this process's scratch folder and remove those of dead processes."""
    try:
        (data_dir / "cache").mkdir(parents=True, exist_ok=True)
        scratch = data_dir / "scratch" / str(os.getpid())
        scratch.mkdir(parents=True, exist_ok=True)
        make_private(data_dir)
    except OSError as error:
        raise DataUnwritable() from error
    for folder in scratch.parent.iterdir():
        if not (folder.name.isdecimal() and psutil.pid_exists(int(folder.name))):
            shutil.rmtree(folder, ignore_errors=True)
    return scratch
