"""Translate yt-dlp's errors into ours. The table comes from issue #2, facts 4b.

yt-dlp raises one error for nearly everything, so the message decides. It is YouTube's own, in
English because yt-dlp asks for that (`hl=en`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, UserNotLive

from core import errors
from core.errors import CoreError

_HINT = re.compile(r"(?:\.?\s*Use --cookies|; please report this issue|\(caused by).*", re.DOTALL)
_PREFIX = re.compile(r"^(?:ERROR:\s*)?(?:\[[\w:+-]+\]\s*)?(?:[\w-]{11}:\s*)?")
_LOCATION = re.compile(r"https?://\S+|(?:[A-Za-z]:)?(?:[/\\][^\s/\\:'\"]+){2,}|\d+(?:\.\d+){3}")

# The first match wins, so specific patterns stand above general ones.
_REASONS: tuple[tuple[str, Callable[[], CoreError]], ...] = (
    (r"no space left", errors.DiskFull),
    (r"private video|video is private", errors.VideoPrivate),
    (r"music premium", errors.PremiumOnly),
    (r"members-only|channel's members|join this channel", errors.MembersOnly),
    (r"confirm your age|age-restricted|inappropriate for some users", errors.AgeRestricted),
    (r"not a bot|captcha|ip is likely being blocked", errors.BotCheck),
    (r"rate-limited|try again later", errors.RateLimited),
    (r"in your country|in your location|geo restriction", errors.GeoBlocked),
    (r"drm protected|requires payment", errors.DrmProtected),
    (r"live stream recording is not available", errors.RecordingPending),
    (r"not currently live", errors.NotYetAired),
    (r"requested format is not available|only images are available", errors.NoAudio),
    (r"video unavailable|not available|isn't available|no longer available", errors.VideoRemoved),
    (r"has been (?:removed|terminated)|does not exist|youtube id", errors.VideoRemoved),
)
_UPCOMING = re.compile(
    r"premieres? |live event will begin|will begin (?:in|shortly)", re.IGNORECASE
)
_NO_RESPONSE = "any player response"


def look_up_error(error: Exception, warnings: Sequence[str]) -> CoreError:
    """Translate an error of looking up a video. Some causes are only in yt-dlp's `warnings`."""
    inner = _inner(error)
    if isinstance(inner, GeoRestrictedError):
        return errors.GeoBlocked(tuple(inner.countries or ()))
    if isinstance(inner, UserNotLive):
        return errors.NotYetAired()
    if isinstance(inner, TransportError):
        return errors.YouTubeUnreachable()
    reason = _reason(inner)
    if _UPCOMING.search(reason):
        return errors.NotYetAired(reason.rstrip("."))
    if known := _known(reason):
        return known
    if isinstance(inner, HTTPError) or _NO_RESPONSE in reason:
        return _no_response_error("\n".join([str(inner), *warnings]))
    return errors.YouTubeChanged(_without_locations(reason))


def download_error(error: Exception) -> CoreError:
    """Translate an error of downloading audio."""
    inner = _inner(error)
    reason = _reason(error)
    if "no space left" in reason.casefold():
        return errors.DiskFull()
    if isinstance(inner, HTTPError) and inner.status == 429:
        return errors.RateLimited()
    return errors.DownloadFailed(_without_locations(reason))


def captions_error(error: Exception) -> CoreError:
    """Translate an error of fetching a caption track."""
    if isinstance(error, TransportError):
        return errors.YouTubeUnreachable()
    return errors.CaptionsBlocked()


def _known(reason: str) -> CoreError | None:
    plain = reason.replace("’", "'").casefold()
    return next((kind() for pattern, kind in _REASONS if re.search(pattern, plain)), None)


def _no_response_error(messages: str) -> CoreError:
    """yt-dlp got no usable response from YouTube: find the cause in its warnings."""
    statuses = set(re.findall(r"HTTP Error (\d{3})", messages))
    if "429" in statuses:
        return errors.RateLimited()
    if "403" in statuses:
        return errors.BotCheck()
    is_down = any(status.startswith("5") for status in statuses)
    if is_down or re.search(r"Unable to download (?:API page|webpage): (?!HTTP)", messages):
        return errors.YouTubeUnreachable()
    return errors.YouTubeChanged("no player response")


def _inner(error: Exception) -> Exception:
    if isinstance(error, DownloadError) and error.exc_info and error.exc_info[1]:
        return _inner(error.exc_info[1]) if error.exc_info[1] is not error else error
    return error


def _reason(error: Exception) -> str:
    """Return YouTube's own message, without yt-dlp's prefix and advice."""
    text = error.orig_msg if isinstance(error, ExtractorError) else str(error)
    return _HINT.sub("", _PREFIX.sub("", text)).strip()


def _without_locations(reason: str) -> str:
    """Remove URLs, paths and IP addresses, because users may see the text."""
    return _LOCATION.sub("…", reason)[:200]
