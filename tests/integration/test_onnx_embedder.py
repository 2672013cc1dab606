"""What only a real ONNX graph can show: rows equal to PyTorch's, prompts, and damaged files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.errors import EmbedderMissing
from tests.harness.embedders import onnx_embedder, sentence_embedder
from tests.harness.onnx_model import onnx_minilm

TEXTS = (
    "The bees of the hive dance.",
    "",
    "꿀벌은 벌집에서 춤을 춘다",
    "stock market " * 20,
    "one two three four five six seven eight nine ten " * 90,  # longer than the window
)


@pytest.fixture(scope="module")
def plain() -> Any:
    return onnx_embedder(onnx_minilm())


def _copy(to: Path, *, without: str = "") -> Path:
    ignore = shutil.ignore_patterns(without) if without else None
    return Path(shutil.copytree(onnx_minilm(), to, symlinks=True, ignore=ignore))


def test_its_rows_are_those_of_pytorch(plain):
    torch = sentence_embedder()

    assert plain.embed(TEXTS, "passage") == pytest.approx(torch.embed(TEXTS, "passage"), abs=1e-4)


def test_an_e5_model_sees_the_prefixes_it_was_trained_with(plain, tmp_path):
    e5 = onnx_embedder(str(_copy(tmp_path / "multilingual-e5-small")))
    query, passage = plain.embed([f"query: {TEXTS[0]}", f"passage: {TEXTS[0]}"], "passage")

    assert e5.embed([TEXTS[0]], "question")[0] == pytest.approx(query, abs=1e-5)
    assert e5.embed([TEXTS[0]], "passage")[0] == pytest.approx(passage, abs=1e-5)


def test_a_model_may_take_its_first_tokens_row(plain, tmp_path):
    folder = _copy(tmp_path / "model")
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({"pooling_mode_cls_token": True}))
    by_first = onnx_embedder(str(folder))

    mean, first = (one.embed([TEXTS[0]], "passage")[0] for one in (plain, by_first))
    assert 0.1 < mean @ first < 0.999


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json", "config.json"])
def test_an_incomplete_folder_is_a_missing_model(tmp_path, missing):
    folder = _copy(tmp_path / "model", without=missing)

    with pytest.raises(EmbedderMissing) as caught:
        onnx_embedder(str(folder)).load()

    assert caught.value.model == str(folder)


@pytest.mark.parametrize("model", ["no-such-model", "/no/such/folder", "package:json", ""])
def test_a_model_that_is_not_here_is_named(model):
    with pytest.raises(EmbedderMissing) as caught:
        onnx_embedder(model).load()

    assert caught.value.model == model
