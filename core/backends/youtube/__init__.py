"""This package asks YouTube through yt-dlp: about a video, for its audio, and for its captions."""

from core.backends.youtube.fetcher import YouTube

__all__ = ["YouTube"]
