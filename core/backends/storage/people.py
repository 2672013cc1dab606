"""Delete what one person has asked, in all channels of a platform."""

from __future__ import annotations

import json

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.backends.storage import tables as t
from core.backends.storage.outdated_copies import mark_copies_outdated
from core.backends.storage.requests import without_words
from core.errors import QuestionForgotten

_FORGOTTEN = "is_forgotten"
"""In a request that is done: its answer, if it is still being written, may not be stored."""
_b, _r, _t = t.buttons.c, t.requests.c, t.turns.c


async def forget_person(connection: AsyncConnection, platform: str, person: str) -> int:
    """Delete the person's turns, the buttons that their answers showed, open questions and the
    settings of the private chat. Return how many turns there were.

    A video that the person asked for belongs to the channel: its request goes on, as nobody's."""
    name = f"{platform}:{person}"  # also the channel of a private chat on Telegram
    own = or_(_t.person == name, _t.channel == name)
    query = select(_t.channel, _t.turn).where(own)
    gone = [(row.channel, row.turn) for row in await connection.execute(query)]
    for channel in {channel for channel, _ in gone}:
        questions = {turn.question for of, turn in gone if of == channel}
        suggested = {q for of, turn in gone if of == channel for q in turn.answer.questions}
        await _delete_buttons(connection, channel, questions, suggested)
    await connection.execute(delete(t.turns).where(own))
    are_closed = await _close_requests(connection, platform, person)
    of_chat = await connection.execute(delete(t.settings).where(t.settings.c.scope == name))
    if gone or are_closed or of_chat.rowcount:  # anybody may ask for it, over and over
        await mark_copies_outdated(connection)
    return len(gone)


async def refuse_forgotten(connection: AsyncConnection, request_id: str) -> None:
    """Raise QuestionForgotten if this question's person was forgotten before its answer was there.
    Waits for who is about to forget it."""
    query = select(_r.request).where(_r.id == request_id).with_for_update()
    request = await connection.scalar(query) if request_id else None
    if request and request.get(_FORGOTTEN):
        raise QuestionForgotten()


async def _delete_buttons(
    connection: AsyncConnection, channel: str, questions: set[str], suggested: set[str]
) -> None:
    """Delete those that ask what an answer suggested, or show the proof of a question, which stands
    in their text as JSON."""
    quoted = [json.dumps(question) for question in questions]
    query = select(_b.id, _b.text).where(_b.channel == channel, _b.text != "")
    gone = [
        row.id
        for row in await connection.execute(query)
        if row.text in suggested or row.text in questions or any(q in row.text for q in quoted)
    ]
    await connection.execute(delete(t.buttons).where(_b.id.in_(gone)))


async def _close_requests(connection: AsyncConnection, platform: str, person: str) -> bool:
    """Return whether there were any."""
    found = False
    query = select(_r.id, _r.request).where(_r.platform == platform, ~_r.done)
    for row in (await connection.execute(query)).all():
        if not _is_of(row.request, person):
            continue
        found = True
        if row.request["kind"] == "ask":
            change = {"done": True, "request": without_words(row.request) | {_FORGOTTEN: True}}
        else:
            change = {"request": _of_nobody(row.request)}
        await connection.execute(update(t.requests).where(_r.id == row.id).values(change))
    return found


def _is_of(flat: dict[str, object], person: str) -> bool:
    origin = flat.get("origin", flat)  # a SummaryRequest keeps its origin apart
    return isinstance(origin, dict) and origin.get("person") == person


def _of_nobody(flat: dict[str, object]) -> dict[str, object]:
    origin = flat.get("origin")
    if isinstance(origin, dict):
        return flat | {"origin": origin | {"person": ""}}
    return flat | {"person": ""}
