"""This file checks what is tried next when hearing asks more than the machine has."""

import pytest

from core.errors import SpeechDeviceFailed, WorkerFailed, WorkerOutOfMemory
from core.model import LIGHTEST, SpeechCompute
from core.transcription.compute_fallbacks import lighter

FULL = WorkerOutOfMemory("speech")
BROKEN = SpeechDeviceFailed("CUDA failed with error unspecified launch failure")


def climb_down(compute, error):
    while compute := lighter(compute, error):
        yield compute


def test_a_card_without_memory_halves_the_batch_then_the_precision_then_gives_way_to_the_cpu():
    assert list(climb_down(SpeechCompute("cuda", "float16", 8), FULL)) == [
        SpeechCompute("cuda", "float16", 4),
        SpeechCompute("cuda", "float16", 2),
        SpeechCompute("cuda", "float16", 1),
        SpeechCompute("cuda", LIGHTEST, 1),
        SpeechCompute("cpu", LIGHTEST, 1),
    ]


@pytest.mark.parametrize("compute_type", ["int8", "int8_float16", LIGHTEST])
def test_what_is_in_eight_bits_already_is_not_tried_again_so(compute_type):
    assert list(climb_down(SpeechCompute("cuda", compute_type, 3), FULL)) == [
        SpeechCompute("cuda", compute_type, 1),
        SpeechCompute("cpu", LIGHTEST, 1),
    ]


def test_the_cpu_is_the_last_resort():
    assert list(climb_down(SpeechCompute("cpu", "float32", 2), FULL)) == [
        SpeechCompute("cpu", "float32", 1),
        SpeechCompute("cpu", LIGHTEST, 1),
    ]
    assert list(climb_down(SpeechCompute("cpu", "int8", 2), FULL)) == [
        SpeechCompute("cpu", "int8", 1)
    ]


def test_a_card_that_fails_is_left_at_once_with_the_batch_as_it_is():
    for device in ("cuda", "auto"):
        assert list(climb_down(SpeechCompute(device, "float16", 8), BROKEN)) == [
            SpeechCompute("cpu", LIGHTEST, 8)
        ]


def test_against_anything_else_less_does_not_help():
    assert lighter(SpeechCompute("cuda", "float16", 8), WorkerFailed("speech")) is None
