"""Lighter compute settings to try after transcription ran out of memory or the GPU failed."""

import pytest

from core.errors import SpeechDeviceFailed, WorkerFailed, WorkerOutOfMemory
from core.model import LIGHTEST_COMPUTE, SpeechCompute
from core.transcription.compute_fallbacks import lighter

FULL = WorkerOutOfMemory("speech")
BROKEN = SpeechDeviceFailed("CUDA failed with error unspecified launch failure")


def fall_back(compute, error):
    while compute := lighter(compute, error):
        yield compute


def test_out_of_memory_halves_the_batch_then_the_precision_then_uses_the_cpu():
    assert list(fall_back(SpeechCompute("cuda", "float16", 8), FULL)) == [
        SpeechCompute("cuda", "float16", 4),
        SpeechCompute("cuda", "float16", 2),
        SpeechCompute("cuda", "float16", 1),
        SpeechCompute("cuda", LIGHTEST_COMPUTE, 1),
        SpeechCompute("cpu", LIGHTEST_COMPUTE, 1),
    ]


@pytest.mark.parametrize("compute_type", ["int8", "int8_float16", LIGHTEST_COMPUTE])
def test_eight_bits_are_not_tried_twice(compute_type):
    assert list(fall_back(SpeechCompute("cuda", compute_type, 3), FULL)) == [
        SpeechCompute("cuda", compute_type, 1),
        SpeechCompute("cpu", LIGHTEST_COMPUTE, 1),
    ]


def test_the_cpu_is_the_last_resort():
    assert list(fall_back(SpeechCompute("cpu", "float32", 2), FULL)) == [
        SpeechCompute("cpu", "float32", 1),
        SpeechCompute("cpu", LIGHTEST_COMPUTE, 1),
    ]
    assert list(fall_back(SpeechCompute("cpu", "int8", 2), FULL)) == [
        SpeechCompute("cpu", "int8", 1)
    ]


def test_a_failing_gpu_is_replaced_at_once_with_the_same_batch():
    for device in ("cuda", "auto"):
        assert list(fall_back(SpeechCompute(device, "float16", 8), BROKEN)) == [
            SpeechCompute("cpu", LIGHTEST_COMPUTE, 8)
        ]


def test_other_errors_have_no_fallback():
    assert lighter(SpeechCompute("cuda", "float16", 8), WorkerFailed("speech")) is None
