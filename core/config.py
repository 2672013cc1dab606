"""The core's settings: frozen sections with bounds. config.yaml explains each one.

Functions get the section they need. bot/config.py reads the file and the environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Language = Literal["en", "ko"]

LOG_FILE = "tubethread.log"
"""In the data folder: the log of the program and its child processes."""


class Section(BaseModel):
    """A section that refuses unknown keys: a typo must not silently mean the default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Speech(Section):
    """Transcription."""

    model: str = "large-v3-turbo"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    compute_type: str = "auto"
    language: str = ""
    order: tuple[Literal["whisper", "captions"], ...] = Field(("whisper", "captions"), min_length=1)
    batch_size: int = Field(8, ge=1, le=64)


class Llm(Section):
    """The language model behind Ollama or an OpenAI-compatible server, or none. Times are seconds.

    `auto` is Ollama where it answers."""

    engine: Literal["auto", "ollama", "openai", "extractive"] = "auto"
    url: str = "http://127.0.0.1:11434"
    api_key: SecretStr = SecretStr("")
    model: str = "qwen3:8b"
    num_ctx: int = Field(16384, ge=2048, le=1_048_576)
    max_answer_tokens: int = Field(1024, ge=64, le=16_384)
    first_token_s: float = Field(300, gt=0, le=3600)
    stall_s: float = Field(60, gt=0, le=3600)
    wall_s: float = Field(900, gt=0, le=7200)


class Embedding(Section):
    """Texts to vectors. `engine`: PyTorch (local) or ONNX Runtime."""

    engine: Literal["local", "onnx"] = "local"
    model: str = "intfloat/multilingual-e5-small"
    device: Literal["auto", "cpu", "cuda"] = "cpu"


class Gpu(Section):
    """How the speech model and the language model share one GPU."""

    policy: Literal["auto", "together", "turns"] = "auto"


class Limits(Section):
    """What one request may cost."""

    max_minutes: int = Field(240, ge=1, le=1440)
    max_megabytes: int = Field(1024, ge=1, le=65_536)
    links_per_message: int = Field(3, ge=1, le=20)


class Jobs(Section):
    """The worker of durable jobs."""

    executor: str = Field("", max_length=80)
    at_once: int = Field(1, ge=1, le=16)


class YouTube(Section):
    """How yt-dlp reaches YouTube."""

    proxy: str = ""
    cookies_file: Path | None = None


class Retention(Section):
    """After how many days in a channel a video is deleted, unless it is pinned. `days`: 0 for
    never."""

    days: int = Field(0, ge=0, le=36_500)


class Metrics(Section):
    """Metrics and health on a port of 127.0.0.1. `port`: 0 for none."""

    port: int = Field(0, ge=0, le=65535)


class Core(Section):
    """All settings of core; bot/config.py adds those of the platforms."""

    data_dir: Path = Path("data")
    database_url: SecretStr = SecretStr("")
    language: Language = "en"
    speech: Speech = Speech()
    llm: Llm = Llm()
    embedding: Embedding = Embedding()
    gpu: Gpu = Gpu()
    limits: Limits = Limits()
    jobs: Jobs = Jobs()
    youtube: YouTube = YouTube()
    retention: Retention = Retention()
    metrics: Metrics = Metrics()
