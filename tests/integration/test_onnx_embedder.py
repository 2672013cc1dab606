"""What only a real ONNX graph can show: prompts and damaged files. That its rows are PyTorch's:
test_sentence_embedder.py."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.errors import EmbedderMissing
from tests.harness.embedders import onnx_embedder
from tests.harness.onnx_model import onnx_minilm

TEXT = "The bees of the hive dance."


@pytest.fixture(scope="module")
def plain() -> Any:
    return onnx_embedder(onnx_minilm())


def _copy(to: Path, *, without: str = "") -> Path:
    ignore = shutil.ignore_patterns(without) if without else None
    return Path(shutil.copytree(onnx_minilm(), to, symlinks=True, ignore=ignore))


def test_an_e5_model_sees_the_prefixes_it_was_trained_with(plain, tmp_path):
    e5 = onnx_embedder(str(_copy(tmp_path / "multilingual-e5-small")))
    query, passage = plain.embed([f"query: {TEXT}", f"passage: {TEXT}"], "passage")

    assert e5.embed([TEXT], "question")[0] == pytest.approx(query, abs=1e-5)
    assert e5.embed([TEXT], "passage")[0] == pytest.approx(passage, abs=1e-5)


def test_a_model_may_take_its_first_tokens_row(plain, tmp_path):
    folder = _copy(tmp_path / "model")
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({"pooling_mode_cls_token": True}))
    by_first = onnx_embedder(str(folder))

    mean, first = (one.embed([TEXT], "passage")[0] for one in (plain, by_first))
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
