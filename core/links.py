"""Find the YouTube videos that a text links to, and rebuild a video's address from its id."""

from __future__ import annotations

import re

_YOUTUBE = r"(?i:(?:www\.|m\.|music\.)?youtube\.com)"
_SHORT = r"(?i:(?:www\.)?youtu\.be)"
_NO_COOKIE = r"(?i:(?:www\.)?youtube-nocookie\.com)"
_PORT = r"\.?(?::443|:80)?"
# Eleven letters that name a playlist or a channel's live stream in the place of an id.
_ID = r"(?!videoseries|live_stream)(?P<id>[A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])"
_LINK = re.compile(
    rf"""(?:{_YOUTUBE}{_PORT}/(?:(?:shorts|live|embed|v|e)/|watch/?\?(?:[^#]*?&)?v=)
        |{_SHORT}{_PORT}/
        |{_NO_COOKIE}{_PORT}/embed/
        ){_ID}""",
    re.VERBOSE,
)
_ANY_LINK = re.compile(
    rf"<?(?:https?://|(?:{_YOUTUBE}|{_SHORT}|{_NO_COOKIE})/)(?:[^\s<>()\[\]?,]|[?,](?=[\w]))*>?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_BEFORE_BARE = re.compile(r"//|\w*:|[^\w@./=?&#%\\]*")
# An address that contains another one, such as evil.com/?u=https://youtu.be/…, leads elsewhere.
_ADDRESS = re.compile(r"://|[^\W_]\.\w+(?::\d+)?[/?#]")
# A comma ends a link only if another one follows, and so does a letter beyond ASCII.
_BETWEEN = re.compile(
    rf"[\s<>\"'`()\[\]{{}}|*]+"
    rf"|[,;](?=(?i:https?://)?(?:{_YOUTUBE}|{_SHORT}))"
    r"|[^\x00-\x7f](?=(?i:https?://))"
)


def find_video_ids(text: str) -> list[str]:
    """Return the ids of the YouTube videos that `text` links to, once each, in order of appearance.

    >>> find_video_ids("<https://youtu.be/dQw4w9WgXcQ?t=1>, youtube.com.evil.org/v/dQw4w9WgXcQ")
    ['dQw4w9WgXcQ']
    """
    words = _BETWEEN.split(text.replace("&amp;", "&"))
    found = [link["id"] for link in map(_link_in, words) if link]
    return list(dict.fromkeys(found))


def without_links(text: str) -> str:
    """Return the words beside the links of a text, in one line. A question mark stays.

    >>> without_links("Is it told in <https://youtu.be/dQw4w9WgXcQ>, too?")
    'Is it told in, too?'
    """
    left = " ".join(_ANY_LINK.sub(" ", text).split())
    return re.sub(r" +(?=[?,]($|\s))", "", left)


def watch_url(video_id: str) -> str:
    """Return the only form of address that is passed on to others."""
    return f"https://www.youtube.com/watch?v={video_id}"


def _link_in(word: str) -> re.Match[str] | None:
    """Return at most one link per word, tried at one position only, so that time stays linear."""
    if not (scheme := _SCHEME.search(word)):
        before = _BEFORE_BARE.match(word)
        return _LINK.match(word, before.end() if before else 0)
    if _ADDRESS.search(word, 0, scheme.start()):
        return None
    return _LINK.match(word, scheme.end())
