"""Fetch a video's metadata, audio and captions from YouTube through yt-dlp."""

from core.backends.youtube.fetcher import YouTube

__all__ = ["YouTube"]
