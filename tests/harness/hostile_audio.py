"""Files that strangers may send: playlists that name other files, and audio that decodes to far
more than it weighs.

python -m tests.harness.hostile_audio MODEL ORDINARY FOLDER MINUTES

transcribes ORDINARY as the speech child does, then decodes every file in FOLDER, and prints the
most memory held after the first and after all, in bytes.
"""

from __future__ import annotations

import resource
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np

from core.backends.whisper.audio import open_audio
from core.backends.whisper.stretches import stretches
from core.backends.whisper.transcriber import Whisper
from core.config import Limits, Speech
from core.errors import CoreError

_BATCH = 8
_KINDS = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "flt": np.float32,
    "dbl": np.float64,
}


def playlists(secret: Path) -> dict[str, str]:
    """Return the text of each kind of file that would make FFmpeg read `secret`, by file name."""
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:130\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    representation = '<Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL></Representation>'
    return {
        "absolute.m3u": hls.format(secret),
        "relative.m3u8": hls.format(secret.name),
        "upwards.m3u": hls.format(f"../{secret.parent.name}/{secret.name}"),
        "addressed.m3u": hls.format(f"file://{secret}"),
        "crypto.m3u8": hls.format(f"crypto:{secret}"),
        "subfile.m3u8": hls.format(f"subfile,,start,0,end,0,,:{secret}"),
        "concat.mp3": f"ffconcat version 1.0\nfile {secret.name}\n",
        "concat.flac": f"ffconcat version 1.0\nfile '{secret}'\n",
        "dash.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
        ' mediaPresentationDuration="PT9S"><Period><AdaptationSet mimeType="audio/mp4">'
        + representation.format(secret)
        + "</AdaptationSet></Period></MPD>",
        "imf.xml": '<?xml version="1.0"?><CompositionPlaylist '
        'xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>urn:uuid:1</Id></'
        "CompositionPlaylist>",
        "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=audio 5004 RTP/AVP 0\n",
        "list.pls": f"[playlist]\nFile1={secret}\nNumberOfEntries=1\n",
        "list.asx": f'<asx version="3"><entry><ref href="{secret}"/></entry></asx>',
    }


def write_bombs(folder: Path) -> list[Path]:
    """Write 40 small files that claim, or decode to, far more than they weigh."""
    written = []
    for number, write in enumerate(_bombs()):
        path = folder / f"bomb{number:02}"
        written.append(write(path))
    return written


def _bombs() -> Iterator[Callable[[Path], Path]]:
    for suffix, codec in (("flac", "flac"), ("wv", "wavpack"), ("tta", "tta"), ("mkv", "alac")):
        yield _silence(suffix, codec, 8_000, "mono", seconds=3600)
    yield _silence("flac", "flac", 655_350, "mono", seconds=60)
    for suffix, codec in (("flac", "flac"), ("wv", "wavpack"), ("mka", "libopus"), ("mp4", "aac")):
        for rate in (8_000, 48_000):
            for layout in ("mono", "5.1"):
                yield _silence(suffix, codec, rate, layout, seconds=15)
    for codec in ("pcm_f64le", "pcm_s32le", "adpcm_ms", "pcm_alaw"):
        yield _silence("wav", codec, 8_000, "mono", seconds=60)
    for rate in (1, 100, 3_999, 4_000, 655_350):
        for channels in (1, 64, 512):
            yield _wav(rate, channels)


def _silence(
    suffix: str, codec: str, rate: int, layout: str, seconds: int
) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path = path.with_suffix(f".{suffix}")
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate, layout=layout)
            name, channels = stream.codec_context.format.name, stream.codec_context.channels
            planes, packed = (channels, 1) if name.endswith("p") else (1, channels)
            zeros = np.zeros((planes, rate * packed), dtype=_KINDS[name.removesuffix("p")])
            for second in range(seconds):
                frame = av.AudioFrame.from_ndarray(zeros, format=name, layout=layout)
                frame.sample_rate, frame.pts = rate, second * rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


def _wav(rate: int, channels: int) -> Callable[[Path], Path]:
    """Write 46 kB of 8-bit samples with a header of one's choice."""

    def write(path: Path) -> Path:
        path = path.with_suffix(".wav")
        data = bytes([128]) * 46_000
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, rate, channels, 8)
        body = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
        path.write_bytes(struct.pack("<4sI", b"RIFF", len(body)) + body)
        return path

    return write


def _decode(audio: Path, minutes: int) -> None:
    """Cut no clips: finding speech in hours of silence takes minutes, and memory for one batch."""
    try:
        with open_audio(audio, minutes) as opened:
            for _ in stretches(opened, lambda samples: [], _BATCH):
                pass
    except CoreError:
        return


def main(model: str, ordinary: str, folder: str, minutes: str) -> None:
    """See the module."""
    whisper = Whisper(Speech(model=model), Limits(max_minutes=int(minutes)))
    list(whisper.transcribe(Path(ordinary), "en"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    for audio in sorted(Path(folder).iterdir()):
        _decode(audio, int(minutes))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
