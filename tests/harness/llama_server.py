"""Run the real llama.cpp server on loopback, in a process of its own.

In a test:  with llama_server(model_file, num_ctx=2048) as url: ...

By itself, it prints its address and serves until its input ends:
python -m tests.harness.llama_server --model FILE.gguf --num-ctx 2048
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ALIAS = "real-model"
"""The served model's id."""


@contextmanager
def llama_server(file: Path, num_ctx: int, *, api_key: str = "", threads: int = 1) -> Iterator[str]:
    """Serve the model; yield the address."""
    options = ["--model", str(file), "--num-ctx", str(num_ctx), "--threads", str(threads)]
    options += ["--api-key", api_key] if api_key else []
    command = [sys.executable, "-m", "tests.harness.llama_server", *options]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), url
            yield url
        finally:
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.harness.llama_server")
    parser.add_argument("--model", required=True)
    parser.add_argument("--num-ctx", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--api-key", default="")
    given = parser.parse_args()

    import xllamacpp  # here: `llama_server` is imported where it is not installed

    params = xllamacpp.CommonParams()
    params.model.path, params.model_alias = given.model, {ALIAS}
    params.n_ctx, params.n_parallel, params.port = given.num_ctx, 1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = given.threads
    params.use_jinja, params.verbosity = True, 0
    if given.api_key:
        params.api_keys = [given.api_key]
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
