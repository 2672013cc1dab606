"""Hearing with faster-whisper. Only the speech process imports it."""

from core.backends.whisper.ears import Whisper

__all__ = ["Whisper"]
