"""Speech to text with faster-whisper. Only the speech child imports it."""

from core.backends.whisper.transcriber import Whisper

__all__ = ["Whisper"]
