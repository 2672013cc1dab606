"""yt-dlp's own code over recorded responses: refusals, metadata, audio, captions and options."""

import io
import re
from dataclasses import replace

import av
import pytest
from yt_dlp.globals import plugin_dirs
from yt_dlp.networking.common import Response
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import ExtractorError, UserNotLive

from core import config, errors
from core.backends.youtube import YouTube
from core.backends.youtube.errors import download_error, look_up_error
from core.backends.youtube.metadata import caption_tracks
from core.backends.youtube.options import choose_audio
from core.config import Limits
from core.model import CaptionTrack, ChapterMark, Segment, Video
from tests.counterparts.youtube.pages import DOWN, Answer, Recording, Track, json3
from tests.counterparts.youtube.site import ID, Site, replaying, tone

WEBM = tone("webm")
VIDEO = Video(ID, "The dance of the bees")


def open_youtube(recording, *, limits=None, seen=None, clock=None, youtube=None):
    site = Site({ID: recording})
    made = YouTube(
        youtube or config.YouTube(),
        limits or Limits(),
        replaying(site, seen),
        **({"clock": clock} if clock else {}),
    )
    return made, site


def silent(progress):
    pass


# Refusals


def refusal(status, reason, subreason=None, **more):
    screen = {"reason": {"simpleText": reason}}
    if subreason:
        screen["subreason"] = {"simpleText": subreason}
    shown = {"errorScreen": {"playerErrorMessageRenderer": screen}}
    return Recording(playability={"status": status, "reason": reason, **shown}, **more)


def countries(*codes):
    return {"microformat": {"playerMicroformatRenderer": {"availableCountries": list(codes)}}}


NOT_IN_COUNTRY = "The uploader has not made this video available in your country"
SIGN_IN = "Sign in if you've been granted access to this video"
MEMBERS = "Join this channel to get access to members-only content like this video."
LEVEL = "This video is available to this channel's members on level: Bee (or any higher level)."
CAPTCHA = {"errorScreen": {"playerCaptchaViewModel": {"x": 1}}}
ENCRYPTED = Recording(
    formats=({"itag": 249, "drmFamilies": ["WIDEVINE"]},), more={"x": 1}, media=WEBM
)

REFUSED = {
    "private": (refusal("LOGIN_REQUIRED", "Private video", SIGN_IN), errors.VideoPrivate()),
    "private, app": (
        refusal(
            "LOGIN_REQUIRED",
            "This video is private. If the owner of this video has granted you access,"
            " please sign in.",
        ),
        errors.VideoPrivate(),
    ),
    "members only": (refusal("UNPLAYABLE", MEMBERS), errors.MembersOnly()),
    "members only, level": (refusal("UNPLAYABLE", LEVEL), errors.MembersOnly()),
    "premium": (
        refusal("UNPLAYABLE", "This video is only available to Music Premium members"),
        errors.PremiumOnly(),
    ),
    "age": (
        refusal(
            "LOGIN_REQUIRED",
            "Sign in to confirm your age",
            "This video may be inappropriate for some users.",
        ),
        errors.AgeRestricted(),
    ),
    "bot check": (
        refusal("LOGIN_REQUIRED", "Sign in to confirm you’re not a bot"),
        errors.BotCheck(),
    ),
    "captcha": (
        Recording(playability={"status": "UNPLAYABLE", "reason": "Confirm please", **CAPTCHA}),
        errors.BotCheck(),
    ),
    "rate-limited session": (
        refusal("UNPLAYABLE", "Video unavailable", "This content isn't available, try again later"),
        errors.RateLimited(),
    ),
    "geo, subreason": (
        refusal("UNPLAYABLE", "Video unavailable", NOT_IN_COUNTRY, more=countries("DE", "FR")),
        errors.GeoBlocked(("DE", "FR")),
    ),
    "geo, subreason without countries": (
        refusal("UNPLAYABLE", "Video unavailable", NOT_IN_COUNTRY),
        errors.GeoBlocked(),
    ),
    "geo, reason": (refusal("UNPLAYABLE", NOT_IN_COUNTRY), errors.GeoBlocked()),
    "removed": (
        refusal("ERROR", "Video unavailable", "This video has been removed by the uploader"),
        errors.VideoRemoved(),
    ),
    "terminated": (
        refusal(
            "ERROR",
            "This video is no longer available because the YouTube account associated with this"
            " video has been terminated.",
        ),
        errors.VideoRemoved(),
    ),
    "never there": (
        refusal("ERROR", "Video unavailable", "This video isn't available anymore"),
        errors.VideoRemoved(),
    ),
    "never there, with the other apostrophe": (
        refusal("ERROR", "This video isn’t available anymore"),
        errors.VideoRemoved(),
    ),
    "not available": (refusal("ERROR", "This video is not available"), errors.VideoRemoved()),
    "premiere": (
        refusal("LIVE_STREAM_OFFLINE", "Premieres in 5 hours", details={"isUpcoming": True}),
        errors.NotYetAired("Premieres in 5 hours"),
    ),
    "upcoming stream": (
        refusal("LIVE_STREAM_OFFLINE", "This live event will begin in 5 hours."),
        errors.NotYetAired("This live event will begin in 5 hours"),
    ),
    "upcoming, with a trailer": (
        Recording(details={"isUpcoming": True}, media=WEBM),
        errors.NotYetAired(),
    ),
    "live": (Recording(details={"isLive": True}, media=WEBM), errors.VideoLive()),
    "ended, not ready": (
        refusal("LIVE_STREAM_OFFLINE", "This live stream recording is not available."),
        errors.RecordingPending(),
    ),
    "ended, rewinding only": (
        Recording(details={"isPostLiveDvr": True}, media=WEBM),
        errors.RecordingPending(),
    ),
    "DRM": (refusal("UNPLAYABLE", "This video is DRM protected"), errors.DrmProtected()),
    "DRM, formats": (ENCRYPTED, errors.DrmProtected()),
    "a film for sale": (
        refusal("UNPLAYABLE", "This video requires payment to watch."),
        errors.DrmProtected(),
    ),
    "SABR only": (
        Recording(formats=({"itag": 249, "url": None},), media=WEBM),
        errors.YouTubeChanged("No video formats found!"),
    ),
    "no formats": (Recording(formats=()), errors.YouTubeChanged("No video formats found!")),
    "pictures only": (Recording(formats=({"itag": 137},), media=WEBM), errors.NoAudio()),
    "too long": (Recording(duration_s=7 * 3600, media=WEBM), errors.VideoTooLong(420, 240)),
    "player 429": (Recording(faults={"player": Answer(status=429)}), errors.RateLimited()),
    "player 403": (Recording(faults={"player": Answer(status=403)}), errors.BotCheck()),
    "player 500": (Recording(faults={"player": Answer(status=500)}), errors.YouTubeUnreachable()),
    "player not JSON": (
        Recording(faults={"player": Answer(b"<html>hello</html>")}),
        errors.YouTubeChanged("no player response"),
    ),
    "network down": (
        Recording(faults=dict.fromkeys(["watch", "next", "player"], DOWN)),
        errors.YouTubeUnreachable(),
    ),
    "answers for another video": (
        Recording(details={"videoId": "jNQXAC9IVRw"}, media=WEBM),
        errors.BotCheck(),
    ),
    "an unknown reason": (
        refusal("UNPLAYABLE", "Ask at https://x.example/y or /var/lib/z on 10.0.0.1, bee"),
        errors.YouTubeChanged("Ask at … or … on …, bee"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_becomes_its_own_error(case):
    recording, expected = REFUSED[case]
    youtube, site = open_youtube(recording)
    with pytest.raises(errors.CoreError) as raised:
        youtube.look_up(ID)
    assert (type(raised.value), raised.value.facts) == (type(expected), expected.facts)
    assert raised.value.__cause__ is not None or isinstance(expected, REFUSED_BY_US)
    assert not [kind for kind in site.asked if kind.startswith("media")]


REFUSED_BY_US = (
    errors.NotYetAired,
    errors.VideoLive,
    errors.RecordingPending,
    errors.VideoTooLong,
)


@pytest.mark.parametrize("case", [case for case in REFUSED if case != "too long"])
def test_a_refused_video_is_not_downloaded(case, tmp_path):
    recording, expected = REFUSED[case]
    youtube, site = open_youtube(recording)
    with pytest.raises(type(expected)):
        youtube.download(VIDEO, tmp_path, silent)
    assert not [kind for kind in site.asked if kind.startswith("media")]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UserNotLive(), errors.NotYetAired()),
        (
            ExtractorError("Incomplete YouTube ID aaaa. URL x looks truncated.", expected=True),
            errors.VideoRemoved(),
        ),
        (TransportError("timed out"), errors.YouTubeUnreachable()),
        (
            TransportError(
                "Failed to resolve 'www.youtube.com' (Temporary failure in name resolution)"
            ),
            errors.YouTubeUnreachable(),
        ),
        (KeyError("contents"), errors.YouTubeChanged("'contents'")),
    ],
)
def test_errors_without_a_recorded_answer_are_translated(error, expected):
    found = look_up_error(error, [])
    assert (type(found), found.facts) == (type(expected), expected.facts)


def test_a_rate_limited_watch_page_does_not_matter():
    youtube, _ = open_youtube(Recording(media=WEBM, faults={"watch": Answer(status=429)}))
    assert youtube.look_up(ID).title == "The dance of the bees"


# Metadata


def test_metadata_is_extracted():
    english, german = Track(".en-US.zsweiKMxjbg", "en-US"), Track(".de", "de")
    recording = Recording(
        chapters=(("Hello", 0), ("The waggle", 1.5)),
        tracks=(english, german, Track("a.en", "en")),
        translations=("de", "en", "fr", "ko"),
        media=WEBM,
    )
    youtube, _ = open_youtube(recording)
    assert youtube.look_up(ID) == Video(
        id=ID,
        title="The dance of the bees",
        channel_name="The Hive",
        duration_s=2.0,
        description="All about #bees and the #Waggle dance.",
        hashtags=("bees", "Waggle", "honey"),
        marks=(ChapterMark("Hello", 0.0), ChapterMark("The waggle", 1.5)),
        thumbnail_url=f"https://i.ytimg.com/vi/{ID}/default.jpg",
        caption_tracks=(
            CaptionTrack("en-US-zsweiKMxjbg", "en-US", automatic=False),
            CaptionTrack("de", "de", automatic=False),
            CaptionTrack("en-orig", "en", automatic=True),
        ),
        language="en",
    )


def test_a_live_chat_is_not_a_caption_track():
    assert [track.key for track in caption_tracks({"subtitles": {"live_chat": [], "en": []}})] == [
        "en"
    ]


def test_at_most_fifteen_hashtags_are_kept():
    text = " ".join(f"#bee{n}" for n in range(40)) + " #1 not&#39;s https://x.example/a#b"
    youtube, _ = open_youtube(Recording(description=text, keywords=("#late",), media=WEBM))
    assert youtube.look_up(ID).hashtags == tuple(f"bee{n}" for n in range(15))


def test_most_metadata_may_be_missing():
    bare = Recording(description="", keywords=(), media=WEBM, faults={"watch": Answer()})
    youtube, _ = open_youtube(bare)
    video = youtube.look_up(ID)
    assert (video.hashtags, video.marks, video.caption_tracks) == ((), (), ())


# Cache


def test_youtube_is_asked_once_for_a_video(tmp_path):
    youtube, site = open_youtube(Recording(media=WEBM, tracks=(Track(".en", "en", SPOKEN),)))
    video = youtube.look_up(ID)
    youtube.look_up(ID)
    youtube.download(video, tmp_path, silent)
    youtube.captions(video, "")
    assert [site.asked.count(kind) for kind in ("watch", "media 249", "captions")] == [1, 1, 1]


def test_after_an_hour_youtube_is_asked_again():
    now = [1000.0]
    youtube, site = open_youtube(Recording(media=WEBM), clock=lambda: now[0])
    youtube.look_up(ID)
    now[0] += 3599
    youtube.look_up(ID)
    assert site.asked.count("watch") == 1
    now[0] += 2
    youtube.look_up(ID)
    assert site.asked.count("watch") == 2


def test_only_the_latest_videos_are_cached():
    names = [f"video-id-{n:02}" for n in range(20)]
    site = Site({name: Recording(media=WEBM) for name in names})
    youtube = YouTube(config.YouTube(), Limits(), replaying(site))
    for name in names:
        youtube.look_up(name)
    youtube.look_up(names[-16])
    assert site.asked.count("watch") == 20
    youtube.look_up(names[0])
    assert site.asked.count("watch") == 21


def test_a_video_can_be_downloaded_twice(tmp_path):
    youtube, _ = open_youtube(Recording(media=WEBM))
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()
        assert youtube.download(VIDEO, folder, silent).read_bytes() == WEBM


# Audio


@pytest.mark.parametrize(("itag", "kind"), [(249, "webm"), (140, "m4a"), (18, "m4a")])
def test_the_audio_is_complete_and_can_be_decoded(itag, kind, tmp_path):
    media = tone(kind)
    youtube, _ = open_youtube(Recording(media=media, formats=({"itag": itag},)))
    told = []
    path = youtube.download(VIDEO, tmp_path, told.append)
    assert path.read_bytes() == media
    assert re.fullmatch(rf"{ID}\.(webm|m4a|mp4)", path.name)
    assert list(tmp_path.iterdir()) == [path]
    with av.open(str(path)) as file:
        assert sum(1 for _ in file.decode(audio=0)) > 50
    assert [progress.stage for progress in told] == ["download"] * len(told)
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(set(fractions))
    assert fractions[-1] == 1.0


TRACKS = {
    "original": {"displayName": "English (US) original", "id": "en-US.4", "audioIsDefault": True},
    "dub": {"displayName": "German", "id": "de.3"},
}


@pytest.mark.parametrize(
    ("formats", "chosen"),
    [
        ([{"itag": 251}, {"itag": 249}, {"itag": 139}, {"itag": 140}, {"itag": 18}], "249"),
        ([{"itag": 251}, {"itag": 140}, {"itag": 139}], "139"),
        ([{"itag": 251}, {"itag": 140}], "140"),
        ([{"itag": 18}, {"itag": 137}], "18"),
        ([{"itag": 139, "averageBitrate": 30_000}, {"itag": 140}], "140"),
        ([{"itag": 249, "isDrc": True}, {"itag": 251}], "251"),
        (
            [
                {"itag": 249, "audioTrack": TRACKS["dub"]},
                {"itag": 251, "audioTrack": TRACKS["original"]},
            ],
            "251",
        ),
    ],
)
def test_the_smallest_good_audio_in_the_original_language_is_taken(formats, chosen, tmp_path):
    youtube, site = open_youtube(Recording(media=WEBM, formats=tuple(formats)))
    youtube.download(VIDEO, tmp_path, silent)
    assert [kind for kind in site.asked if kind.startswith("media")] == [f"media {chosen}"]


def test_a_file_has_only_a_safe_extension():
    formats = [{"acodec": "opus", "vcodec": "none", "ext": ext} for ext in ("exe", "desktop", None)]
    assert list(choose_audio({"formats": formats})) == []


MEDIA_FAULTS = {
    "403": (Answer(status=403), errors.DownloadFailed),
    "404": (Answer(status=404), errors.DownloadFailed),
    "429": (Answer(status=429), errors.RateLimited),
    "503": (Answer(status=503), errors.DownloadFailed),
    "down": (DOWN, errors.DownloadFailed),
    "cut short": (Answer(WEBM[:5000], announced=len(WEBM)), errors.DownloadFailed),
    "empty": (Answer(b""), errors.DownloadFailed),
    "shorter than told before": (Answer(WEBM[:5000]), errors.DownloadFailed),
}


@pytest.mark.parametrize("case", MEDIA_FAULTS)
def test_incomplete_audio_is_an_error(case, tmp_path):
    fault, expected = MEDIA_FAULTS[case]
    youtube, site = open_youtube(Recording(media=WEBM, faults={"media": fault}))
    with pytest.raises(expected) as raised:
        youtube.download(VIDEO, tmp_path, silent)
    assert str(tmp_path) not in str(raised.value)
    assert "googlevideo" not in str(raised.value)
    with pytest.raises(expected):
        youtube.download(VIDEO, tmp_path, silent)
    assert site.asked.count("watch") == 2  # the next attempt does not trust the old addresses


def test_a_full_disk_has_its_own_error():
    told = "unable to write data: [Errno 28] No space left on device"
    assert isinstance(download_error(ExtractorError(told)), errors.DiskFull)


def test_a_download_error_names_no_url_or_path():
    response = Response(io.BytesIO(), "https://r1.googlevideo.com/x", {}, status=403)
    found = download_error(HTTPError(response))
    assert found.facts == {"detail": "HTTP Error 403: Forbidden"}


LARGE = WEBM + bytes(1_100_000)


@pytest.mark.parametrize(
    "recording",
    [
        Recording(media=LARGE),
        Recording(media=LARGE, formats=({"itag": 249, "contentLength": None},)),
        Recording(media=LARGE, formats=({"itag": 249, "contentLength": "1000"},)),
        Recording(
            formats=({"itag": 249, "contentLength": None},),
            faults={"media": Answer(LARGE, announced=-1)},
        ),
    ],
    ids=["told before", "told by the server", "told wrong", "never told"],
)
def test_a_download_that_grows_too_large_is_stopped(recording, tmp_path):
    youtube, _ = open_youtube(recording, limits=Limits(max_megabytes=1))
    with pytest.raises(errors.VideoTooLarge) as raised:
        youtube.download(VIDEO, tmp_path, silent)
    assert raised.value.max_megabytes == 1


def test_audio_announced_as_too_large_is_not_requested(tmp_path):
    youtube, site = open_youtube(Recording(media=LARGE), limits=Limits(max_megabytes=1))
    with pytest.raises(errors.VideoTooLarge):
        youtube.download(VIDEO, tmp_path, silent)
    assert "media 249" not in site.asked


# Captions

SPOKEN = json3((0, 1500, "Bees dance."), (1500, 400, "They point\nat flowers."), (1900, 100, "♪"))
WORDS = (Segment(0.0, 1.5, "Bees dance."), Segment(1.5, 1.9, "They point at flowers."))


def captioned(*tracks, **more):
    youtube, site = open_youtube(Recording(media=WEBM, tracks=tracks, **more))
    return youtube, youtube.look_up(ID), site


def test_captions_become_a_transcript():
    youtube, video, _ = captioned(Track(".en-US.zsweiKMxjbg", "en-US", SPOKEN))
    transcript = youtube.captions(video, "")
    assert (transcript.video_id, transcript.language, transcript.source) == (ID, "en", "captions")
    assert transcript.segments == WORDS
    assert transcript.recipe == "captions:en-US-zsweiKMxjbg"


ALL = [
    Track(".ko.eBn3DBhTkS0", "ko", json3((0, 900, "korean"))),
    Track(".de.DLpTm1EsEcg", "de", json3((0, 900, "german"))),
    Track("a.en", "en", json3((0, 900, "heard english"))),
    Track(".en-GB", "en-GB", json3((0, 900, "english"))),
]


@pytest.mark.parametrize(
    ("without", "language", "words"),
    [
        ((), "", "english"),
        ((), "en", "english"),
        ((), "ko", "korean"),
        ((), "de", "german"),
        ((), "fr", "english"),
        ((".en-GB",), "", "heard english"),
        ((".en-GB",), "fr", "heard english"),
        ((".en-GB", "a.en"), "fr", "korean"),
    ],
)
def test_the_best_track_is_taken(without, language, words):
    tracks = [track for track in ALL if track.vss_id not in without]
    youtube, video, _ = captioned(*tracks, translations=("en", "fr", "de"))
    assert [s.text for s in youtube.captions(video, language).segments] == [words]


def test_a_track_that_comes_only_as_vtt_is_read():
    vtt = b"WEBVTT\n\n00:00.000 --> 00:01.500\nBees <c>dance</c>.\n"
    youtube, video, _ = captioned(Track(".en", "en", vtt))
    forms = youtube._cache[ID][1]["subtitles"]["en"]
    forms[:] = [form for form in forms if form["ext"] == "vtt"]
    assert youtube.captions(video, "").segments == (Segment(0.0, 1.5, "Bees dance."),)


CAPTION_FAULTS = {
    "none at all": ((), {}, errors.NoCaptions),
    "sounds only": ((Track(".en", "en", json3((0, 9, "[Music]"))),), {}, errors.NoCaptions),
    "429": ((ALL[0],), {"captions": Answer(status=429)}, errors.CaptionsBlocked),
    "403": ((ALL[0],), {"captions": Answer(status=403)}, errors.CaptionsBlocked),
    "empty": ((ALL[0],), {"captions": Answer(b"")}, errors.CaptionsBlocked),
    "down": ((ALL[0],), {"captions": DOWN}, errors.YouTubeUnreachable),
    "not JSON": ((ALL[0],), {"captions": Answer(b"<html>")}, errors.YouTubeChanged),
}


@pytest.mark.parametrize("case", CAPTION_FAULTS)
def test_unavailable_captions_are_an_error(case):
    tracks, faults, expected = CAPTION_FAULTS[case]
    youtube, video, _ = captioned(*tracks, faults=faults)
    with pytest.raises(expected):
        youtube.captions(video, "")


# Options

# Each guards against one of yt-dlp's thirteen security advisories.
DANGEROUS = """
    exec_cmd exec_before_dl_cmd postprocessors netrc_cmd usenetrc external_downloader
    external_downloader_args writelink writeurllink writewebloclink writedesktoplink
    writeinfojson enable_file_urls cookiefile cookiesfrombrowser nocheckcertificate plugin_dirs
    default_search force_generic_extractor compat_opts allow_unplayable_formats ffmpeg_location
    load_info_json proxy geo_bypass username password
"""


def test_yt_dlp_knows_one_extractor_and_no_plugins():
    opened = []

    def open_ytdlp(options):
        opened.append(replaying(Site({ID: Recording(media=WEBM)}))(options))
        return opened[-1]

    YouTube(config.YouTube(), Limits(), open_ytdlp).look_up(ID)
    ytdlp = opened[0]
    assert list(ytdlp._ies) == ["Youtube"]
    assert plugin_dirs.value == []
    assert not any(ytdlp._pps.values())
    dangerous = {key: ytdlp.params.get(key) for key in DANGEROUS.split()}
    assert not any(dangerous.values()), dangerous


def test_only_youtubes_own_hosts_are_requested(tmp_path):
    youtube, site = open_youtube(Recording(media=WEBM, tracks=(ALL[0],)))
    youtube.download(VIDEO, tmp_path, silent)
    youtube.captions(VIDEO, "")
    assert all(re.search(r"(^|\.)(youtube|googlevideo)\.com$", host) for host in site.hosts)


def test_nothing_is_printed_whatever_happens(capfd, tmp_path):
    for recording in (Recording(media=WEBM), REFUSED["network down"][0], REFUSED["private"][0]):
        youtube, _ = open_youtube(recording)
        try:
            youtube.download(VIDEO, tmp_path, silent)
        except errors.CoreError:
            continue
    assert capfd.readouterr() == ("", "")


COOKIES = "# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t0\tVISITOR\tsecret\n"


def test_cookies_and_proxy_are_used_only_if_set_and_the_file_is_not_changed(tmp_path):
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(COOKIES)
    cookies.chmod(0o400)
    seen = []
    settings = config.YouTube(proxy="socks5://127.0.0.1:9", cookies_file=cookies)
    youtube, _ = open_youtube(Recording(media=WEBM), seen=seen, youtube=settings)
    youtube.look_up(ID)
    assert seen[0]["proxy"] == "socks5://127.0.0.1:9"
    assert "secret" in seen[0]["cookiefile"].getvalue()
    assert cookies.read_text() == COOKIES
    assert [path.name for path in tmp_path.iterdir()] == ["cookies.txt"]


@pytest.mark.parametrize(
    "content", [None, b"", b"no cookies\n", b"\xff\xfe\x00", (COOKIES + "secret").encode()]
)
def test_an_invalid_cookies_file_is_an_invalid_setting(content, tmp_path):
    path = tmp_path / "cookies.txt"
    if content is not None:
        path.write_bytes(content)
    youtube, _ = open_youtube(Recording(media=WEBM), youtube=config.YouTube(cookies_file=path))
    with pytest.raises(errors.ConfigInvalid) as raised:
        youtube.look_up(ID)
    assert raised.value.key == "youtube.cookies_file"
    assert str(tmp_path) not in str(raised.value)


def test_a_video_with_another_id_is_refused():
    youtube, _ = open_youtube(replace(Recording(media=WEBM), details={"videoId": "jNQXAC9IVRw"}))
    with pytest.raises(errors.CoreError):
        youtube.look_up(ID)
