"""Hearing with faster-whisper. Only the speech process imports it."""

from core.backends.whisper.transcriber import Whisper

__all__ = ["Whisper"]
