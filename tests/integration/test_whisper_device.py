"""The device and precision with which a speech model is loaded."""

from __future__ import annotations

import ctranslate2
import pytest

from core.backends.whisper.model_loading import FLOAT16_MB, best_compute_type, load
from core.config import Speech
from core.errors import ConfigInvalid
from core.model import LIGHTEST_COMPUTE

CPU = {"int8", "int8_float32", "int16", "float32"}
AMPERE = {*CPU, "float16", "int8_float16", "bfloat16", "int8_bfloat16"}
PASCAL = {"int8", "int8_float32", "float32"}


@pytest.mark.parametrize(
    ("supported", "free_mb", "chosen"),
    [
        (CPU, 0, "int8"),
        (AMPERE, FLOAT16_MB, "float16"),
        (AMPERE, FLOAT16_MB - 1, "int8_float16"),
        (AMPERE, 0, "int8_float16"),
        (PASCAL, 24_000, "int8"),
        ({"float32"}, 0, "default"),
    ],
)
def test_auto_takes_the_fastest_that_fits(supported, free_mb, chosen):
    assert best_compute_type("auto", supported, free_mb) == chosen


@pytest.mark.parametrize(
    ("supported", "chosen"),
    [(CPU, "int8"), (AMPERE, "int8_float16"), (PASCAL, "int8"), ({"float32"}, "default")],
)
def test_lightest_means_eight_bits_if_supported(supported, chosen):
    assert best_compute_type(LIGHTEST_COMPUTE, supported, 80_000) == chosen


def test_a_configured_type_is_kept_if_the_device_supports_it():
    assert best_compute_type("float32", AMPERE, 24_000) == "float32"
    with pytest.raises(ConfigInvalid) as invalid:
        best_compute_type("float16", CPU, 0)
    assert invalid.value.key == "speech.compute_type"


def test_without_a_gpu_auto_means_the_cpu(examples):
    if ctranslate2.get_cuda_device_count():
        pytest.skip("this machine has a GPU")
    model = str(examples / "whisper-toy-en")
    assert load(Speech(model=model)).model.device == "cpu"
    with pytest.raises(ConfigInvalid) as invalid:
        load(Speech(model=model, device="cuda"))
    assert invalid.value.key == "speech.device"
