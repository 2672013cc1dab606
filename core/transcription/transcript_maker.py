"""Make a video's transcript: from its audio, YouTube's captions or a subtitle file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from core.config import Limits, Speech
from core.errors import (
    BackendError,
    BotCheck,
    CoreError,
    NoCaptions,
    NoSpeech,
    RateLimited,
    VideoError,
    VideoTooLong,
)
from core.limits import check_length, check_text
from core.model import (
    SPEECH_LIGHTER,
    Progress,
    Segment,
    SpeechCompute,
    Subtitles,
    Transcript,
    Video,
)
from core.ports import Checkpoints, Fetcher, ProgressCallback, Transcriber
from core.sources import File, Source
from core.text.sentence_splitting import split_sentences
from core.transcription.checkpointed import CheckpointedTranscription
from core.transcription.compute_fallbacks import Fallback

log = logging.getLogger(__name__)

CAPTIONS_AFTER = 2
"""Refused downloads of a video after which its captions are tried first: about 20 minutes, where
downloads alone could go on for 12 hours."""
_REFUSED = "refused"
"""The recipe of checkpoints that count a video's refused downloads."""
_FOR_NOW = "for now "

VideoAndTranscript = tuple[Video, Transcript]
"""The video with its real duration, and its transcript."""


@dataclass(frozen=True, slots=True)
class TranscriptMaker:
    """Makes transcripts. `scratch` holds downloaded audio only while it is transcribed."""

    fetcher: Fetcher
    transcriber: Transcriber
    read_subtitles: Callable[[Path], Subtitles]
    scratch: Path
    speech: Speech
    limits: Limits
    checkpoints: Checkpoints
    _fallback: Fallback = field(default_factory=Fallback)

    @property
    def notes(self) -> tuple[str, ...]:
        """Note codes for the user about how this machine transcribes."""
        return (SPEECH_LIGHTER,) if self._fallback.compute else ()

    async def clear_checkpoints(self, video_id: str) -> None:
        """Call once the video's transcript is stored."""
        await self.checkpoints.clear(video_id)

    def is_current(self, source: Source, transcript: Transcript) -> bool:
        """Whether `transcript` was made with the present settings."""
        return transcript.recipe.startswith(self.recipe_prefix(source))

    def is_provisional(self, source: Source, transcript: Transcript) -> bool:
        """Whether the transcript is of captions that stand in for audio which may be had later."""
        return transcript.recipe.startswith(f"{self.recipe_prefix(source)}{_FOR_NOW}")

    async def make_better(
        self, source: Source, video: Video, on_progress: ProgressCallback
    ) -> VideoAndTranscript | None:
        """Try the audio again in place of provisional captions; None if they are still the best."""
        try:
            return await self._finish(await self._transcribe_link(source, video, on_progress))
        except CoreError as error:
            log.info("captions stay for %s: %s", video.id, error)
            return None

    async def make(
        self, source: Source, video: Video, on_progress: ProgressCallback
    ) -> VideoAndTranscript:
        """Try each method in `speech.order` until one works; a file has only one. The transcript's
        segments are whole sentences. A download that YouTube has refused again and again is tried
        after the captions: each refusal closes the way to both.

        Raises NoSpeech and VideoTooLong at once, without trying the next method, and TooMuchText.
        If all fail, raises the first error other than NoCaptions: that the audio is blocked
        matters more."""
        check_length(video.duration_s, self.limits)
        if isinstance(source, File):
            made = await self._make_from_file(source, video, on_progress)
        else:
            made = await self._make_from_link(source, video, on_progress)
        return await self._finish(made)

    async def _finish(self, made: VideoAndTranscript) -> VideoAndTranscript:
        video, transcript = made
        check_text(transcript.segments, max(video.duration_s, transcript.segments[-1].end_s))
        sentences = await asyncio.to_thread(split_sentences, transcript.segments)
        return video, replace(transcript, segments=sentences)

    async def _make_from_link(
        self, source: Source, video: Video, on_progress: ProgressCallback
    ) -> VideoAndTranscript:
        failures: list[BackendError | VideoError] = []
        refusals = len(await self.checkpoints.load(video.id, _REFUSED))
        order = self.speech.order
        is_postponed = refusals >= CAPTIONS_AFTER and "captions" in order
        for method in ("captions", "whisper") if is_postponed else order:
            try:
                if method == "captions":
                    for_now = is_postponed or any(isinstance(e, BackendError) for e in failures)
                    return await self._read_captions(source, video, for_now=for_now)
                return await self._transcribe_link(source, video, on_progress)
            except (NoSpeech, VideoTooLong):
                raise
            except (BackendError, VideoError) as error:
                failures.append(error)
                if method == "whisper" and isinstance(error, BotCheck | RateLimited):
                    await self.checkpoints.save(video.id, _REFUSED, refusals, "")
        important = [error for error in failures if not isinstance(error, NoCaptions)]
        raise (important or failures)[0]

    async def _make_from_file(
        self, source: File, video: Video, on_progress: ProgressCallback
    ) -> VideoAndTranscript:
        if not source.is_subtitles:
            return await self._transcribe(source, source.path, video, on_progress)
        read = await asyncio.to_thread(self.read_subtitles, source.path)
        video = replace(video, duration_s=read.segments[-1].end_s)
        check_length(video.duration_s, self.limits)
        recipe = self.recipe_prefix(source)
        return video, Transcript(video.id, read.language, "file", read.segments, recipe)

    async def _transcribe_link(
        self, source: Source, video: Video, on_progress: ProgressCallback
    ) -> VideoAndTranscript:
        with TemporaryDirectory(dir=self.scratch) as folder:
            on_progress(Progress("download"))
            audio = await self.fetcher.download(video, Path(folder), on_progress)
            return await self._transcribe(source, audio, video, on_progress)

    async def _read_captions(
        self, source: Source, video: Video, *, for_now: bool
    ) -> VideoAndTranscript:
        transcript = await self.fetcher.captions(video, self.speech.language)
        is_instead = for_now and self.speech.order[0] == "whisper"
        recipe = f"{self.recipe_prefix(source)}{_FOR_NOW * is_instead}{transcript.recipe}"
        return video, replace(transcript, recipe=recipe)

    async def _transcribe(
        self, source: Source, audio: Path, video: Video, on_progress: ProgressCallback
    ) -> VideoAndTranscript:
        on_progress(Progress("load"))
        segments: list[Segment] = []
        language = ""
        transcription = self._checkpointed(video.id, self.recipe_prefix(source))
        async with aclosing(transcription.windows(audio, on_progress)) as windows:
            async for window in windows:
                duration_s = window.duration_s or video.duration_s
                check_length(max(duration_s, window.heard_s), self.limits)
                segments += window.segments
                language = window.language or language
                video = replace(video, duration_s=max(duration_s, window.heard_s))
                if window.heard_s:
                    fraction = min(window.heard_s / video.duration_s, 1.0)
                    on_progress(Progress("transcribe", fraction, note="".join(self.notes)))
        if not segments:
            raise NoSpeech()
        recipe = f"{self.recipe_prefix(source)}whisper"
        return video, Transcript(video.id, language, "whisper", tuple(segments), recipe)

    def _checkpointed(self, video_id: str, recipe: str) -> CheckpointedTranscription:
        speech = self.speech
        return CheckpointedTranscription(
            self.transcriber,
            self.checkpoints,
            self._fallback,
            SpeechCompute(speech.device, speech.compute_type, speech.batch_size),
            video_id,
            speech.language,
            recipe,
        )

    def recipe_prefix(self, source: Source) -> str:
        """Name the settings that the source's transcript depends on: every recipe's beginning."""
        if isinstance(source, File) and source.is_subtitles:
            return "file:"
        methods = "whisper" if isinstance(source, File) else ",".join(self.speech.order)
        return f"{methods} {self.speech.model} {self.speech.language}:"


def notes_about(video: Video, transcript: Transcript, speech: Speech) -> tuple[str, ...]:
    """Note codes for the user when captions replaced speech, or are automatic."""
    if transcript.source != "captions":
        return ()
    key = transcript.recipe.rsplit("captions:", 1)[-1]
    automatic = any(track.key == key and track.automatic for track in video.caption_tracks)
    replaced_speech = speech.order[0] == "whisper"
    return ("captions_used",) * replaced_speech + ("captions_automatic",) * automatic
