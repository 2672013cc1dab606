"""Make a video's transcript: from its audio, YouTube's captions or a subtitle file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from core.config import Limits, Speech
from core.errors import BackendError, NoCaptions, NoSpeech, VideoError, VideoTooLong
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

    async def make(
        self, source: Source, video: Video, on_progress: ProgressCallback
    ) -> VideoAndTranscript:
        """Try each method in `speech.order` until one works; a file has only one. The transcript's
        segments are whole sentences.

        Raises NoSpeech and VideoTooLong at once, without trying the next method, and TooMuchText.
        If all fail, raises the first error other than NoCaptions: that the audio is blocked
        matters more."""
        check_length(video.duration_s, self.limits)
        if isinstance(source, File):
            made = await self._make_from_file(source, video, on_progress)
        else:
            made = await self._make_from_link(source, video, on_progress)
        video, transcript = made
        check_text(transcript.segments, max(video.duration_s, transcript.segments[-1].end_s))
        sentences = await asyncio.to_thread(split_sentences, transcript.segments)
        return video, replace(transcript, segments=sentences)

    async def _make_from_link(
        self, source: Source, video: Video, on_progress: ProgressCallback
    ) -> VideoAndTranscript:
        failures: list[BackendError | VideoError] = []
        for method in self.speech.order:
            try:
                if method == "captions":
                    return await self._read_captions(source, video)
                return await self._transcribe_link(source, video, on_progress)
            except (NoSpeech, VideoTooLong):
                raise
            except (BackendError, VideoError) as error:
                failures.append(error)
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

    async def _read_captions(self, source: Source, video: Video) -> VideoAndTranscript:
        transcript = await self.fetcher.captions(video, self.speech.language)
        recipe = f"{self.recipe_prefix(source)}{transcript.recipe}"
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
