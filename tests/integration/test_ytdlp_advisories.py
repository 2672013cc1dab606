"""None of yt-dlp's thirteen security advisories can be reached: each has a hostile input of its
kind here, which the real yt-dlp with our options gets from a recorded site.

Whatever comes, it starts no program, writes one file of the name that we chose, and asks nobody
but YouTube. The table of advisories: https://github.com/yt-dlp/yt-dlp/security/advisories
"""

import os
import re
import stat
import sys
from contextlib import contextmanager, suppress

import pytest
from yt_dlp import YoutubeDL
from yt_dlp.utils import DownloadError, smuggle_url

from core import config
from core.backends.youtube import YouTube
from core.backends.youtube.options import SAFE_EXTENSIONS, Log, choose_audio, fixed_options
from core.config import Limits
from core.errors import CoreError
from core.links import find_video_ids, watch_url
from core.model import Video
from core.workers.limits import FETCH
from core.workers.supervisor import ChildSupervisor
from tests.counterparts.youtube.pages import Recording, Track, json3, player
from tests.counterparts.youtube.site import ID, Site, replaying, tone

WEBM = tone("webm")
SHELL = "$(touch pwned) `touch pwned` ; touch pwned & calc.exe | touch pwned"
PLACEHOLDERS = "%(title)s %(filepath)q {} %PATH% !PATH! ^& \" ' %0a"
PATHS = '../../../.bashrc\0/etc/cron.d/x C:\\x\\y.exe <>:"|?*'
LINK_FILE = "x\nURL=file:///bin/sh\nExec=touch pwned\n[Desktop Entry]"
EVIL = "https://evil.example/x"
MANIFESTS = {
    name: f"https://manifest.googlevideo.com/x?a=$(touch pwned)#{name}"
    for name in ("hlsManifestUrl", "dashManifestUrl")
}
TRACKS = (Track(".en", "en", json3((0, 900, SHELL))),)


def form(mime):
    return {"itag": 249, "mimeType": mime}


def hostile(words, **more):
    return Recording(
        **{"title": words, "channel": words, "description": words, "keywords": (words,)},
        **{"chapters": ((words, 0.0), (words, 1.0)), "media": WEBM, "tracks": TRACKS, **more},
    )


ADVISORIES = {
    "GHSA-v8mc-9377-rwjj, cookies on redirects": hostile(EVIL),
    "GHSA-42h4-v29r-42qg, --exec on Windows": hostile(SHELL),
    "GHSA-3ch3-jhc6-5r8x, smuggled proxy": hostile(smuggle_url(EVIL, {"http_headers": {"a": "b"}})),
    "GHSA-hjq6-52gw-2g7p, --exec on Windows again": hostile(f"{SHELL} {PLACEHOLDERS}"),
    "GHSA-79w7-vh3h-8g4j, unsafe extensions": hostile(
        PATHS, formats=(form('audio/x-msdownload; codecs="opus"'), {"itag": 251})
    ),
    "GHSA-3v33-3wmw-3785, scripts of douyu": hostile("https://www.douyu.com/1234"),
    "GHSA-45hg-7f49-5h56, --exec placeholders": hostile(PLACEHOLDERS),
    "GHSA-g3gw-q23r-pgqm, --netrc-cmd": hostile("machine youtube; touch pwned"),
    "GHSA-f7j3-774f-rfhj, cookies through curl": hostile(f"{EVIL} -H 'Cookie: x'"),
    "GHSA-c6mh-fpjc-4pr3, dangerous file types": hostile(
        "x.desktop", formats=(form('audio/desktop; codecs="opus"'), {"itag": 251})
    ),
    "GHSA-vx4q-3cr2-7cg2, manifests by aria2c": hostile(
        SHELL,
        more={"streamingData": player(ID, Recording(media=WEBM))["streamingData"] | MANIFESTS},
    ),
    "GHSA-69qj-pvh9-c5wg, unsafe conversions": hostile("%(title&touch pwned|x)s %(id+1)j"),
    "GHSA-6v4j-43gg-vj32, --write-link": hostile(LINK_FILE),
}

# What the process does, told by the interpreter itself. A hook stays for good, so it can be silent.
_done: list[tuple[str, str]] | None = None
_STARTS = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec", "os.fork"}


def _audit(event, arguments):
    if _done is not None and event in _STARTS:
        is_list = event == "subprocess.Popen" and isinstance(arguments[1], list)
        words = map(os.path.basename, arguments[1]) if is_list else map(str, arguments)
        _done.append(("start", " ".join(words)))
    elif _done is not None and event == "open":
        path, mode, flags = arguments
        if isinstance(path, str) and (set(mode or "") & set("wax+") or (flags or 0) & os.O_CREAT):
            _done.append(("write", path))


sys.addaudithook(_audit)


@contextmanager
def watching():
    global _done
    _done = done = []
    try:
        yield done
    finally:
        _done = None


def programs(done):
    """What was started. yt-dlp looks for the JavaScript runtime that it needs, and for no other."""
    return {what for kind, what in done if kind == "start"}


@pytest.fixture
def traps(tmp_path, monkeypatch):
    """A home with settings of yt-dlp, a .netrc, and programs that would leave a mark."""
    home, programs = tmp_path / "home", tmp_path / "programs"
    for folder in (home / ".config" / "yt-dlp", home / "yt-dlp", programs):
        folder.mkdir(parents=True)
    for name in (".config/yt-dlp/config", ".config/yt-dlp.conf", "yt-dlp.conf", "yt-dlp/config"):
        (home / name).write_text("--exec 'touch pwned'\n--write-link\n--downloader aria2c\n")
    (home / ".netrc").write_text("machine youtube login me password secret\n")
    for name in ("aria2c", "curl", "wget", "ffmpeg", "ffprobe", "sh"):
        path = programs / name
        path.write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/pwned\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_an_advisory_is_out_of_reach(advisory, traps):
    site, opened = Site({ID: ADVISORIES[advisory]}), []
    open_ytdlp = replaying(site)

    def remembering(options):
        opened.append(open_ytdlp(options))
        return opened[-1]

    folder = traps / "fresh"
    folder.mkdir()
    youtube = YouTube(config.YouTube(), Limits(), remembering)
    with watching() as done:
        video = youtube.look_up(ID)
        try:
            youtube.download(video, folder, lambda progress: None)
        finally:
            youtube.captions(video, "")
    assert programs(done) <= {"deno --version"}
    written = {path for what, path in done if what == "write"} - {os.devnull}
    assert written <= {str(folder / f"{ID}.webm"), str(folder / f"{ID}.webm.part")}
    assert [path.name for path in folder.iterdir()] == [f"{ID}.webm"]
    assert not (traps / "pwned").exists()
    assert all(re.fullmatch(r"([\w-]+\.)*(youtube|googlevideo)\.com", host) for host in site.hosts)
    for ytdlp in opened:
        assert not any(ytdlp._pps.values()), "a postprocessor could run programs"
        assert {cookie.name for cookie in ytdlp.cookiejar} <= {"PREF", "SOCS"}, "yt-dlp's own"
        assert not ytdlp.cookiejar.get_cookies_for_url(EVIL)


@pytest.mark.parametrize(
    "url",
    [
        smuggle_url(EVIL, {"proxy": "http://evil.example"}),
        smuggle_url(watch_url(ID).replace("youtube", "evil"), {"http_headers": {}}),
        *("https://www.douyu.com/1234", EVIL, f"{EVIL}.m3u8", "file:///etc/passwd"),
        *("ytsearch:bees", ":ytfav", "data:text/html,x", f"http://youtube.com.evil.example/{ID}"),
    ],
)
def test_an_address_that_got_past_us_has_no_extractor(url):
    """The second line: what a person writes never reaches yt-dlp, only `watch_url` of an id."""
    site = Site({})
    ytdlp = replaying(site)(fixed_options(config.YouTube(), Limits(), Log()))
    with pytest.raises(DownloadError):
        ytdlp.extract_info(url, download=False)
    assert site.asked == []
    ytdlp.close()


def test_a_smuggled_link_is_only_its_id():
    link = smuggle_url(f"https://youtu.be/{ID}", {"proxy": "http://evil.example"})
    assert [watch_url(one) for one in find_video_ids(link)] == [watch_url(ID)]


@pytest.mark.parametrize("ext", ["desktop", "url", "webloc", "lnk", "exe", "bat", "html", "m3u8"])
def test_no_format_with_another_extension_is_chosen(ext):
    assert ext not in SAFE_EXTENSIONS
    formats = [{"ext": ext, "acodec": "opus", "vcodec": "none", "format_id": "1"}]
    assert list(choose_audio({"formats": formats})) == []


def test_an_operators_cookies_go_to_youtube_alone(tmp_path):
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t0\tSID\tsecret\n")
    options = fixed_options(config.YouTube(cookies_file=cookies), Limits(), Log())
    with YoutubeDL(options) as ytdlp:
        sent = ytdlp.cookiejar.get_cookies_for_url
        assert [one.name for one in sent("https://www.youtube.com/watch")] == ["SID"]
        for url in (EVIL, "https://r1.googlevideo.com/x", "https://youtube.com.evil.example/"):
            assert sent(url) == []


def test_the_options_are_exactly_the_allowed_set(tmp_path):
    """Another option must be weighed against the advisories first."""
    seen = []
    youtube = YouTube(config.YouTube(), Limits(), replaying(Site({ID: hostile("Bees")}), seen))
    video = youtube.look_up(ID)
    youtube.download(video, tmp_path, lambda progress: None)
    youtube.captions(video, "")
    allowed = {
        "allowed_extractors": ["youtube"],
        "noplaylist": True,
        "format": choose_audio,
        "max_filesize": 1_024_000_000,
        "skip_unavailable_fragments": False,
        **{"retries": 3, "fragment_retries": 3, "extractor_retries": 2, "socket_timeout": 20},
        **{"cachedir": False, "remote_components": [], "fixup": "never", "updatetime": False},
        **{"quiet": True, "noprogress": True, "color": "no_color"},
    }
    file = {"paths": {"home": str(tmp_path)}, "outtmpl": f"{ID}.%(ext)s"}
    for options, own in zip(seen, [{}, file, {}], strict=True):
        assert isinstance(options.pop("logger"), Log)
        assert len(options.pop("progress_hooks", [])) == bool(own)
        assert options == {**allowed, **own}


PASSED_ON = {
    **{"PATH": os.environ["PATH"], "HOME": "/home/bees", "USER": "bees", "LANG": "C.UTF-8"},
    **{"LC_ALL": "C.UTF-8", "TZ": "UTC", "TMPDIR": "/tmp", "PYTHONPATH": os.getcwd()},
    **{"https_proxy": "http://127.0.0.1:9", "NO_PROXY": "localhost", "SSL_CERT_FILE": "/etc/x"},
    **{"CUDA_VISIBLE_DEVICES": "0", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
}
KEPT_BACK = (
    *("DISCORD_TOKEN", "TELEGRAM_TOKEN", "OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY"),
    *("DATABASE_URL", "TUBETHREAD_DATA", "NETRC", "LD_PRELOAD", "PYTHONSTARTUP", "PYTHONHOME"),
    *("PYTHONINSPECT", "PYTHONBREAKPOINT", "XDG_CONFIG_HOME", "BASH_ENV", "ENV", "EDITOR", "PAGER"),
    *("DENO_DIR", "NODE_OPTIONS", "YTDLP_CONFIG", "YTDLP_NO_LAZY_EXTRACTORS", "SSH_AUTH_SOCK"),
)


async def test_a_childs_environment_is_exactly_the_allowed_set(monkeypatch):
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in (*PASSED_ON.items(), *((name, "secret") for name in KEPT_BACK)):
        if name not in ("LD_PRELOAD", "PYTHONHOME"):  # they would break this process's own tools
            monkeypatch.setenv(name, value)
    module, setup = "tests.harness.misbehaving_child", {"max_file_bytes": 1_000_000}
    async with ChildSupervisor(FETCH, setup, module=module) as child:
        assert await child.call("environment") == PASSED_ON


def test_a_video_that_is_no_audio_at_all_leaves_nothing(tmp_path):
    formats = (form('audio/x-desktop; codecs="opus"'),)
    youtube = YouTube(
        config.YouTube(), Limits(), replaying(Site({ID: hostile("x", formats=formats)}))
    )
    with watching() as done, suppress(CoreError):
        youtube.download(Video(ID, "x"), tmp_path, lambda progress: None)
    assert programs(done) <= {"deno --version"}
    assert all(path.suffix[1:] in SAFE_EXTENSIONS for path in tmp_path.iterdir())
