"""Act as the people who are not the bot: write, press, upload, delete, and read.

What a person cannot do in Telegram's client (press a missing button, write in a chat they are not
in or in a closed topic) raises CannotDo. Chats, people and topics are ids, as for the bot; a
private chat has its person's id.
"""

from __future__ import annotations

import asyncio
import mimetypes
from typing import Any

from tests.counterparts.telegram import api_objects as showing
from tests.counterparts.telegram import client_view as looking
from tests.counterparts.telegram import delivery as posting
from tests.counterparts.telegram import directory, texts
from tests.counterparts.telegram.client_view import Seen, SeenDraft
from tests.counterparts.telegram.membership import CannotDo, Gathering
from tests.counterparts.telegram.world import (
    ANONYMOUS,
    TELEGRAM,
    Chat,
    Draft,
    Media,
    Press,
    User,
    Version,
)

__all__ = ["CannotDo", "People", "Seen", "SeenDraft"]


class People(Gathering):
    """The people and their actions. There is one supergroup, `group`; its members are `mina`, the
    owner `olga`, and the bot, in privacy mode. Mina acts unless `author` is given."""

    async def write(
        self,
        chat: int,
        text: str,
        *,
        author: int = 0,
        topic: int = 0,
        reply_to: int = 0,
        anonymously: bool = False,
    ) -> int:
        """Write a message and return its id. `anonymously`: as an anonymous administrator, who
        appears as the group."""
        where, author = self._world.chats[chat], author or self.mina
        self._check(where, author, topic)
        author, sender_chat = (ANONYMOUS, chat) if anonymously else (author, 0)
        more: dict[str, Any] = {"reply_to": reply_to, "topic": topic, "sender_chat": sender_chat}
        return self._put(where, author, text, **more)

    async def upload(
        self,
        chat: int,
        name: str,
        content: bytes,
        kind: str = "document",
        *,
        caption: str = "",
        size: int = 0,
        author: int = 0,
        topic: int = 0,
        reply_to: int = 0,
        duration_s: int = 0,
    ) -> int:
        """Upload a file and return the message's id. `kind`: document, photo, audio, voice, video,
        video_note. `size`: the size to report, if not the true one."""
        where, author = self._world.chats[chat], author or self.mina
        self._check(where, author, topic)
        mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        stored = self._world.store(name, content, kind, mime, size)
        stored.duration = duration_s
        media = Media(kind, stored.id, "file")
        more: dict[str, Any] = {"reply_to": reply_to, "topic": topic, "media": media}
        return self._put(where, author, caption, **more)

    async def post(self, channel: int, text: str) -> tuple[int, int]:
        """Post in a channel; return the post's id there, and in the discussion group, or 0."""
        where = self._world.chats[channel]
        id = self._put(where, 0, text, sender_chat=channel)
        if not where.linked:
            return id, 0
        group, now = self._world.chats[where.linked], int(self._world.now())
        told = {"type": "channel", "date": now, "chat": showing.chat(self._world, where)}
        origin = {"forward_origin": told | {"message_id": id}, "is_automatic_forward": True}
        return id, self._put(group, TELEGRAM, text, sender_chat=channel, origin=origin)

    async def other_bot(self, chat: int, text: str) -> int:
        """Write as another bot, which receives general commands from then on."""
        id = self._world.next("person")
        self._world.users[id] = User(id, "Another", "another_bot", is_bot=True)
        return self._put(self._world.chats[chat], id, text)

    async def edit(self, chat: int, message: int, text: str) -> None:
        where = self._world.chats[chat]
        post = where.posts[message]
        version = Version(self._world.now(), text, texts.with_found(text), [], post.now.media)
        posting.change(self._world, where, post, version)

    async def delete(self, chat: int, message: int) -> None:
        """Delete a message; bots get no update."""
        del self._world.chats[chat].posts[message]

    async def press(self, message: Seen, button: str | int, *, author: int = 0) -> Press:
        """Press a button, given its label, the label's beginning, or its index."""
        where, author = self._world.chats[message.chat], author or self.mina
        post = where.posts.get(message.id)
        every = [one for row in post.now.keyboard for one in row] if post else []
        if isinstance(button, str):
            every = [one for one in every if one["text"].startswith(button)]
        number = button if isinstance(button, int) else 0
        if post is None or number >= len(every) or "callback_data" not in every[number]:
            raise CannotDo(f"nothing to press as {button!r}")
        id, data = str(self._world.next("press", 90001)), every[number]["callback_data"]
        pressed = Press(id, where.id, post.id, author, data, self._world.now())
        self._world.presses[id] = pressed
        told = {"id": id, "from": showing.user(self._world.users[author]), "data": data}
        told |= {"message": showing.message(self._world, post)}
        self._world.tell("callback_query", told | {"chat_instance": str(hash(where.id))})
        return pressed

    async def answered(self, pressed: Press, within_s: float = 10.0) -> dict[str, Any]:
        """Wait for answerCallbackQuery and return its `text` and `show_alert`. Raises
        TimeoutError."""
        async with asyncio.timeout(within_s):
            await pressed.answered.wait()
        return dict(pressed.answer)

    async def messages(self, chat: int, topic: int | None = None) -> list[Seen]:
        """The chat's current messages, oldest first. `topic`: 0 for the general topic only."""
        return looking.shown(self._world, self._world.chats[chat], topic)

    async def message(self, chat: int, id: int) -> Seen:
        return looking.seen(self._world, self._world.chats[chat].posts[id])

    async def draft(self, chat: int) -> SeenDraft | None:
        """The bot's current draft in a private chat."""
        return looking.draft_in(self._world, chat)

    async def drafts(self, chat: int) -> list[Draft]:
        """Every draft ever shown; an empty text where a message replaced one."""
        return list(self._world.drafts.get(chat, ()))

    async def commands(self, chat: int, *, author: int = 0) -> dict[str, str]:
        """The commands offered when they type a slash: name → description."""
        where = self._world.chats[chat]
        offered = directory.commands_for(self._world, where, author or self.mina)
        return {one["command"]: one["description"] for one in offered}

    def _put(self, where: Chat, author: int, text: str, **more: Any) -> int:
        entities = texts.with_found(text)
        return posting.put(self._world, where, author, text, entities, **more).id

    def _check(self, where: Chat, author: int, topic: int) -> None:
        """Check that the author can write there. Raises CannotDo."""
        if where.kind == "private":
            if where.id != author or not where.met or where.is_blocked:
                raise CannotDo(f"{author} has no chat with the bot open: {where.id}")
            return
        if where.kind == "channel" or where.migrated_to or where.is_deleted:
            raise CannotDo(f"nobody writes in {where.id}")
        member = where.members.get(author)
        if member is None or not member.is_here:
            raise CannotDo(f"{author} is not in {where.id}")
        if topic and (topic not in where.topics or where.topics[topic].is_closed):
            raise CannotDo(f"topic {topic} of {where.id} is closed or gone")
