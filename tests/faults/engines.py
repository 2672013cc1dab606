"""Faults of YouTube, its captions, speech recognition, the language model and the index."""

from __future__ import annotations

from core import errors
from tests.faults.cell import Cell

_LOOKED_UP = "integration/test_youtube.py::test_every_refusal_becomes_its_own_error"
_NO_MEDIA = "integration/test_youtube.py::test_a_refused_video_is_not_downloaded"
_MEDIA = "integration/test_youtube.py::test_incomplete_audio_is_an_error"
_CAPTIONS = "integration/test_youtube.py::test_unavailable_captions_are_an_error"
_WORKERS = "integration/test_workers.py"
_OLLAMA = "integration/test_ollama.py"
_BREAKS_OFF = f"{_OLLAMA}::test_an_answer_that_breaks_off_is_no_answer"
_STOOD_IN = (
    "unit/test_pipeline.py::test_a_model_that_is_away_or_fails_is_stood_in_for_and_it_is_said"
)
_INDEX = "integration/test_index_damage.py"

_UNTOUCHED = "no media requested, nothing stored"
_NO_FILE = "the audio is deleted; the next try looks the video up again"
_REPLACED = "the child is replaced; the next request is answered"
_QUOTED = "the video is ready; text is quoted from it"
_YT_DLP = "yt-dlp's 3, then captions"


def _refused(fault: str, error: errors.CoreError, case: str) -> Cell:
    proof = f"{_LOOKED_UP}[{case}] + {_NO_MEDIA}[{case}]"
    return Cell(fault, error, _UNTOUCHED, "1", proof)


def _media(fault: str, case: str) -> Cell:
    proof = (
        f"{_MEDIA}[{case}] + "
        "unit/test_transcript_maker.py::test_captions_are_used_when_the_audio_is_unavailable"
    )
    return Cell(fault, errors.DownloadFailed(), _NO_FILE, _YT_DLP, proof)


YOUTUBE = [
    Cell(
        "bot check",
        errors.BotCheck(),
        "nobody asks YouTube until a growing pause is over, also after a restart; jobs wait",
        "after each pause, then told",
        f"{_LOOKED_UP}[bot check] + "
        "unit/test_youtube_gate.py::test_after_a_refusal_nobody_asks_until_the_pause_is_over + "
        "integration/test_jobs_youtube_pauses.py::"
        "test_a_job_that_youtube_never_lets_through_fails_in_the_end",
    ),
    _media("403", "403"),
    _media("404", "404"),
    _refused("private", errors.VideoPrivate(), "private"),
    _refused("deleted", errors.VideoRemoved(), "removed"),
    _refused("age", errors.AgeRestricted(), "age"),
    _refused("region", errors.GeoBlocked(("DE", "FR")), "geo, subreason"),
    _refused("members", errors.MembersOnly(), "members only"),
    _refused("premiere", errors.NotYetAired("Premieres in 5 hours"), "premiere"),
    _refused("live", errors.VideoLive(), "live"),
    Cell(
        "12 h",
        errors.VideoTooLong(720, 240),
        _UNTOUCHED,
        "1",
        f"{_LOOKED_UP}[too long] + "
        "unit/test_transcript_maker.py::test_a_video_that_is_too_long_is_not_downloaded",
    ),
    _refused("no audio", errors.NoAudio(), "pictures only"),
    _media("0 bytes", "empty"),
    Cell(
        "slow (1 kB/s)",
        errors.WorkerTimeout("fetch", 14_400),
        _REPLACED,
        "1, then captions",
        f"{_WORKERS}::test_a_request_has_a_total_limit_even_if_it_keeps_replying",
    ),
    Cell(
        "hang",
        errors.WorkerTimeout("fetch", 180),
        _REPLACED,
        "1, then captions",
        f"{_WORKERS}::test_a_hanging_child_is_killed",
    ),
    _media("mid-file cut", "cut short"),
    Cell(
        "endless body",
        errors.VideoTooLarge(1024),
        _NO_FILE,
        "1",
        "integration/test_youtube.py::test_a_download_that_grows_too_large_is_stopped[never told]",
    ),
    Cell(
        "JavaScript runtime missing",
        errors.YouTubeChanged(),
        "`doctor` names the runtime",
        "1",
        f"{_LOOKED_UP}[no formats] + "
        "unit/test_doctor.py::test_deno_must_be_as_new_as_yt_dlp_wants_it[None]",
    ),
    Cell(
        "extractor crash",
        errors.YouTubeChanged(),
        _UNTOUCHED,
        "1",
        "integration/test_youtube.py::test_errors_without_a_recorded_answer_are_translated"
        "[contents]",
    ),
    Cell(
        "output not audio",
        errors.NotMedia("audio"),
        "nothing stored",
        "1",
        "integration/test_whisper.py::test_random_bytes_are_not_media_whatever_their_extension + "
        "contract/test_transcriber.py::test_other_bytes_than_media_are_refused_by_name",
    ),
]

CAPTIONS = [
    Cell(
        "none",
        errors.NoCaptions(),
        "the audio is transcribed",
        "1, then speech",
        f"{_CAPTIONS}[none at all] + "
        "unit/test_transcript_maker.py::test_a_video_without_usable_captions_is_transcribed",
    ),
    Cell(
        "blocked",
        errors.CaptionsBlocked(),
        "the audio is transcribed",
        "1, then speech",
        f"{_CAPTIONS}[429] + {_CAPTIONS}[403]",
    ),
    Cell(
        "empty",
        errors.CaptionsBlocked(),
        "the audio is transcribed",
        "1, then speech",
        f"{_CAPTIONS}[empty]",
    ),
    Cell(
        "wrong language",
        None,
        "the best other track is read",
        "1",
        "integration/test_youtube.py::test_the_best_track_is_taken[fr]",
    ),
    Cell(
        "absurd times",
        None,
        "cues in order, none overlaps",
        "1",
        "integration/test_subtitles.py::test_cues_come_in_order_and_do_not_overlap + "
        "integration/test_subtitles.py::test_a_cue_that_ends_before_it_starts_takes_no_time",
    ),
    Cell(
        "10 MB",
        errors.TooMuchText(3, 10_000_000),
        "nothing stored",
        "1",
        "unit/test_transcript_maker.py::test_more_text_than_anybody_says_in_the_time_is_refused + "
        "integration/test_subtitles.py::test_a_huge_file_is_not_read",
    ),
]

_OOM = "smaller batch, then 8 bits, then the CPU"
SPEECH = [
    Cell(
        "out of memory at load",
        "notes.speech_lighter",
        "the transcript is whole",
        _OOM,
        "integration/test_speech_out_of_memory.py::"
        "test_lighter_settings_are_tried_until_the_child_works",
    ),
    Cell(
        "out of memory in mid-file",
        "notes.speech_lighter",
        "finished windows are kept and not transcribed again",
        _OOM,
        "unit/test_transcription_checkpoints.py::"
        "test_lighter_settings_continue_where_it_stopped_in_the_same_language + "
        "unit/test_compute_fallbacks.py::"
        "test_out_of_memory_halves_the_batch_then_the_precision_then_uses_the_cpu",
    ),
    Cell(
        "hang",
        errors.WorkerTimeout("speech", 1800),
        _REPLACED,
        "1",
        f"{_WORKERS}::test_a_hanging_child_is_killed",
    ),
    Cell(
        "crash (SIGSEGV)",
        errors.WorkerFailed("speech"),
        _REPLACED,
        "1",
        f"{_WORKERS}::test_after_a_crash_the_next_request_finds_a_new_child",
    ),
    Cell(
        "loop text",
        None,
        "one round of the loop is kept",
        "once more without the batch",
        "integration/test_whisper_second_pass.py::test_a_loop_is_transcribed_again_and_replaced + "
        "integration/test_whisper_second_pass.py::test_a_loop_that_persists_is_cut_to_one_round",
    ),
    Cell(
        "empty",
        errors.NoSpeech(),
        "nothing stored; captions do not replace silence",
        "1",
        "contract/test_transcriber.py::test_silence_gives_no_segments + "
        "unit/test_transcript_maker.py::test_captions_do_not_replace_silence",
    ),
    Cell(
        "wrong language",
        None,
        "one language, that of most of the first clips",
        "1",
        "integration/test_whisper_second_pass.py::"
        "test_the_language_is_that_of_most_of_the_first_clips",
    ),
    Cell(
        "out-of-order times",
        None,
        "times in order and within the audio",
        "1",
        "integration/test_whisper_second_pass.py::"
        "test_times_out_of_order_or_beyond_the_end_are_corrected",
    ),
    Cell(
        "GPU vanished",
        "notes.speech_lighter",
        "the transcript is whole",
        "1, then the CPU",
        "unit/test_transcription_checkpoints.py::test_a_failing_gpu_is_replaced_by_the_cpu_at_once",
    ),
    Cell(
        "model missing",
        errors.SpeechModelMissing("small"),
        "nothing stored",
        "1",
        "contract/test_transcriber.py::test_a_missing_model_is_named + "
        "unit/test_transcript_maker.py::test_a_missing_model_is_an_error_not_a_reason_for_captions",
    ),
]


def _model(fault: str, reads: errors.CoreError | str, tries: str, proof: str) -> Cell:
    return Cell(fault, reads, _QUOTED, tries, f"{proof} + {_STOOD_IN}")


_ONCE_MORE = "2, then quoted"
LANGUAGE_MODEL = [
    _model(
        "down",
        errors.OllamaUnreachable("http://localhost:11434"),
        _ONCE_MORE,
        "e2e/test_refusals.py::test_ollama_is_down",
    ),
    _model(
        "404 model",
        errors.ModelMissing("qwen3"),
        "1, then quoted",
        f"{_OLLAMA}::test_a_model_that_is_not_pulled_is_named",
    ),
    Cell(
        "400 too long",
        None,
        "the text is split; the summary is whole",
        "1 a part",
        f"{_OLLAMA}::test_a_length_ollama_refuses_comes_with_its_count + "
        "e2e/test_refusals.py::test_a_prompt_that_is_too_long_is_split_and_never_fails",
    ),
    _model(
        "503 queue",
        errors.ModelBusy(),
        "one after each growing pause, then quoted",
        f"{_OLLAMA}::test_a_queue_that_stays_full_is_told + "
        f"{_OLLAMA}::test_a_full_queue_is_tried_again_with_growing_pauses",
    ),
    _model("500", errors.ModelFailed(), _ONCE_MORE, f"{_BREAKS_OFF}[500]"),
    _model("error line in a 200 stream", errors.ModelFailed(), _ONCE_MORE, f"{_BREAKS_OFF}[error]"),
    _model("cut stream", errors.ModelFailed(), _ONCE_MORE, f"{_BREAKS_OFF}[drop]"),
    _model(
        "hang before the first token",
        errors.ModelStalled(300),
        _ONCE_MORE,
        f"{_OLLAMA}::test_silence_is_noticed[]",
    ),
    _model(
        "hang after the first token",
        errors.ModelStalled(60),
        _ONCE_MORE,
        f"{_OLLAMA}::test_silence_is_noticed[Bees]",
    ),
    _model(
        "endless repeat",
        errors.BadModelOutput(),
        _ONCE_MORE,
        f"{_OLLAMA}::test_a_model_in_a_loop_is_stopped",
    ),
    Cell(
        "silent truncation",
        errors.PromptTooLong(9000, 8192),
        "a prompt that would be cut is not sent; a low count is logged",
        "1",
        f"{_OLLAMA}::test_a_prompt_that_does_not_fit_is_not_sent + "
        f"{_OLLAMA}::test_a_low_count_is_logged_and_the_finished_answer_kept",
    ),
    _model("empty answer", errors.BadModelOutput(), _ONCE_MORE, f"{_BREAKS_OFF}[]"),
    _model(
        "bad JSON",
        errors.BadModelOutput(),
        _ONCE_MORE,
        f"{_OLLAMA}::test_json_that_was_cut_short_is_bad_output + "
        "unit/test_generative_summary.py::"
        "test_a_bad_reply_is_asked_for_again_with_what_was_wrong",
    ),
    Cell(
        "model unloaded",
        None,
        "the answer is whole: it is loaded again",
        "1",
        f"{_OLLAMA}::test_loading_the_model_may_take_longer_than_a_pause",
    ),
]

_REBUILT = "the store answers; the cache is rebuilt"
INDEX = [
    Cell(
        "locked",
        "notes.cache_rebuilding",
        "the store answers; one process owns the caches",
        "each minute",
        "unit/test_indexing.py::test_caches_of_another_process_are_checked_once_they_are_ours",
    ),
    Cell(
        "missing",
        "notes.cache_rebuilding",
        _REBUILT,
        "1",
        "unit/test_indexing.py::test_a_cache_that_was_deleted_is_filled_without_embedding_again",
    ),
    Cell(
        "corrupt",
        "notes.cache_rebuilding",
        _REBUILT,
        "1",
        "integration/test_damage.py::test_answers_go_on_and_a_damaged_chroma_is_made_anew + "
        "unit/test_pipeline.py::test_while_an_index_cannot_be_read_the_store_answers",
    ),
    Cell(
        "wrong dimension",
        None,
        "rows of another embedder are replaced",
        "1",
        "contract/test_indexes.py::"
        "test_vectors_of_another_size_replace_what_the_old_embedder_made + "
        "unit/test_indexing.py::test_vectors_of_another_embedder_are_not_used",
    ),
    Cell(
        "stale",
        None,
        "what the store does not know is removed, what it has is filled in",
        "1",
        "unit/test_caches.py::test_rows_that_shadow_new_ones_are_removed + "
        "unit/test_indexing.py::test_entries_of_an_older_recipe_are_replaced",
    ),
    Cell(
        "never returns",
        "notes.cache_rebuilding",
        "the opening is ended; the store answers",
        "1",
        f"{_INDEX}::test_an_opening_that_never_ends_is_ended + "
        f"{_INDEX}::test_a_channel_whose_last_call_never_came_back_is_not_opened_again",
    ),
]
