"""Faults of Discord, Telegram and the host."""

from __future__ import annotations

from core import errors
from tests.faults.cell import Cell

_DISCORD = "integration/test_discord_faults.py"
_CODES = "unit/test_discord_errors.py::test_every_code_becomes_its_chat_error"
_CALLS = "integration/telegram_faults/test_telegram_calls.py"
_CHANGES = "integration/telegram_faults/test_telegram_changes.py"

_WHOLE = "every message arrives, once"
_CLOSED = "no more is sent there; other places go on"
_IN_CHANNEL = "the conversation stays in the channel"
_PROCESSED = "the order or the question is processed; the reply is a message"
_ONCE = "each event is acted on once"
_OBEYED = "again after the time that was asked for"


def _limited(fault: str, case: str) -> Cell:
    proof = f"{_DISCORD}::test_a_rate_limit_is_waited_for[{case}]"
    return Cell(fault, None, _WHOLE, _OBEYED, proof)


def _closed(code: int) -> Cell:
    proof = f"{_DISCORD}::test_a_closed_place_ends_the_work[{code}] + {_CODES}[{code}]"
    return Cell(str(code), None, _CLOSED, "1", proof)


def _unacknowledged(code: int) -> Cell:
    proof = (
        f"{_DISCORD}::test_an_unacknowledged_press_is_still_answered[{code}] + "
        f"{_DISCORD}::test_a_command_whose_reply_is_lost_is_still_processed[{code}]"
    )
    return Cell(str(code), None, _PROCESSED, "1", proof)


def _without_threads(code: int) -> Cell:
    proof = f"{_DISCORD}::test_without_threads_the_conversation_stays_in_the_channel[{code}]"
    return Cell(str(code), None, _IN_CHANNEL, "1", proof)


def _refused(code: int) -> Cell:
    proof = (
        f"{_DISCORD}::test_a_refused_summary_is_reported[{code}] + "
        f"{_DISCORD}::test_a_refused_answer_is_reported[{code}]"
    )
    return Cell(str(code), "chat.not_shown", "the work is done and stored", "1", proof)


DISCORD = [
    _limited("429 of the user", "429 user"),
    _limited("429, global", "429 global"),
    _limited("429, shared", "429 shared"),
    Cell(
        "500 or 502 after it took effect",
        None,
        _WHOLE,
        "until the message is there, one key",
        f"{_DISCORD}::test_a_call_that_succeeded_despite_its_response_is_not_repeated[502 after]",
    ),
    _closed(10003),
    Cell(
        "10008",
        None,
        "a deleted message stays deleted; the summary comes",
        "1",
        f"{_DISCORD}::test_a_progress_message_that_somebody_deletes_stays_deleted + "
        f"{_CODES}[10008]",
    ),
    _unacknowledged(10062),
    _unacknowledged(40060),
    Cell(
        "30046",
        None,
        "a new message in place of the old one",
        "discord.py's 5",
        f"{_DISCORD}::test_a_message_too_old_to_edit_is_replaced_by_a_new_one",
    ),
    _closed(50001),
    _without_threads(50013),
    Cell(
        "50027",
        None,
        _PROCESSED,
        "1",
        f"{_DISCORD}::test_a_command_whose_reply_is_lost_is_still_processed[50027]",
    ),
    _refused(50035),
    Cell(
        "50083",
        None,
        "the next message reopens the thread; a locked one is closed",
        "1",
        f"{_DISCORD}::test_an_archived_thread_reopens_with_the_next_message + "
        "integration/discord_adapter/test_discord_messages.py::"
        "test_a_locked_archived_thread_is_a_closed_place",
    ),
    _without_threads(160006),
    _refused(200000),
    _limited("Cloudflare page", "cloudflare"),
    Cell(
        "gateway drop",
        None,
        _ONCE,
        "until it is connected",
        f"{_DISCORD}::test_messages_from_a_disconnection_are_processed_once",
    ),
    Cell(
        "invalid session",
        None,
        _ONCE,
        "until it is connected",
        f"{_DISCORD}::test_an_ended_session_is_replaced_by_a_new_one",
    ),
    Cell(
        "resume loop",
        None,
        _ONCE,
        "until it is connected",
        f"{_DISCORD}::test_refused_resumes_start_new_sessions",
    ),
    Cell(
        "duplicate events",
        None,
        _ONCE,
        "1",
        f"{_DISCORD}::test_duplicate_events_are_processed_once + "
        "integration/test_discord_disconnects.py::"
        "test_each_event_is_processed_once_through_two_hundred_disconnects",
    ),
    Cell("late events", None, _ONCE, "1", f"{_DISCORD}::test_a_late_event_is_processed"),
]

_RATE = f"{_CALLS}::test_a_rate_limit_is_respected_while_other_chats_are_served"
TELEGRAM = [
    Cell(
        "RetryAfter 3 s",
        None,
        "every message arrives; other chats do not wait",
        _OBEYED,
        f"{_RATE}[3]",
    ),
    Cell(
        "RetryAfter 300 s",
        None,
        "every message arrives; other chats do not wait",
        _OBEYED,
        f"{_RATE}[300]",
    ),
    Cell(
        "parse error",
        "chat.not_shown",
        "shown as plain text; told if that is refused too",
        "2",
        f"{_CALLS}::test_unparsable_html_is_shown_as_plain_text + "
        f"{_CALLS}::test_a_message_refused_even_as_plain_text_is_reported",
    ),
    Cell(
        "not modified",
        None,
        "the message is as it should be",
        "1",
        f"{_CALLS}::test_an_unmodified_message_is_not_an_error",
    ),
    Cell(
        "message gone",
        None,
        "a deleted message stays deleted; the summary comes",
        "1",
        f"{_CHANGES}::test_a_progress_message_that_somebody_deletes_stays_deleted + "
        f"{_CHANGES}::test_a_deleted_link_still_gets_its_summary",
    ),
    Cell(
        "bot blocked",
        None,
        "the work ends; it serves again once it is let in",
        "1",
        f"{_CHANGES}::test_removing_the_bot_ends_the_work_and_readding_it_serves_again[private]",
    ),
    Cell(
        "chat migrated",
        None,
        "work and library go on in the new chat",
        "1",
        f"{_CHANGES}::test_work_continues_in_a_group_whose_migration_is_still_unknown + "
        f"{_CHANGES}::test_messages_from_before_a_migration_still_work",
    ),
    Cell(
        "409, two pollers",
        None,
        "no update is lost; logged once",
        "until the other one ends",
        f"{_CHANGES}::test_another_poller_loses_no_update_and_is_logged_once",
    ),
    Cell(
        "502",
        None,
        _WHOLE,
        "until it is accepted",
        f"{_CALLS}::test_a_temporary_failure_goes_unnoticed",
    ),
    Cell(
        "time-out after it took effect",
        None,
        "one message twice at most",
        "until accepted",
        f"{_CALLS}::test_a_lost_response_duplicates_at_most_its_own_message[hang after]",
    ),
    Cell(
        "callback too old",
        None,
        "the reply is a message",
        "1",
        f"{_CHANGES}::test_the_alert_of_an_expired_press_becomes_a_message",
    ),
]

HOST = [
    Cell(
        "clock jump of an hour",
        None,
        "no pause lasts for good",
        "1",
        "unit/test_youtube_gate.py::test_a_wrong_clock_closes_nothing_for_good",
    ),
    Cell(
        "SQLite busy for 30 s",
        errors.StoreBroken(),
        "each request gets its reply, none is lost",
        "with growing pauses, then told",
        "integration/test_store_survives.py::"
        "test_a_write_that_waits_too_long_for_another_process_is_told + "
        "unit/test_store_fails.py::"
        "test_a_call_that_fails_for_a_while_delays_a_reply_and_loses_none",
    ),
    Cell(
        "disk full",
        errors.DiskFull(),
        "nothing is half written; work goes on with space",
        "1",
        "integration/test_disk_full.py::test_a_write_to_the_store + "
        "integration/test_jobs_disk_full.py::"
        "test_a_job_on_a_full_disk_ends_as_told_or_goes_on_when_there_is_space",
    ),
    Cell(
        "out of file handles",
        errors.WorkerFailed("fetch"),
        "the next request with free handles is answered",
        "1",
        "integration/test_workers.py::"
        "test_without_a_free_file_handle_a_request_fails_and_the_next_one_works",
    ),
    Cell(
        "memory limit",
        errors.WorkerOutOfMemory("speech"),
        "the child is replaced; the others go on",
        "1",
        "integration/test_workers.py::"
        "test_a_failing_child_is_reported_and_replaced_while_others_answer[bloat]",
    ),
    Cell(
        "network away for 10 min",
        None,
        "nothing is lost",
        "with growing pauses",
        "unit/test_outbox.py::test_an_outage_of_a_night_loses_nothing + "
        "unit/test_telegram_updates.py::test_a_call_is_retried_through_a_day_of_outage",
    ),
    Cell(
        "DNS failure",
        errors.YouTubeUnreachable(),
        "no media requested, nothing stored",
        "1",
        "integration/test_youtube.py::test_errors_without_a_recorded_answer_are_translated"
        "[Failed to resolve 'www.youtube.com' (Temporary failure in name resolution)] + "
        "e2e/test_refusals.py::test_without_a_network_youtube_is_told_to_be_away",
    ),
]
