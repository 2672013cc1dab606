"""Create chats, and let people join, leave and change permissions."""

from __future__ import annotations

from typing import Any

from tests.counterparts.telegram import api_objects as showing
from tests.counterparts.telegram import delivery as posting
from tests.counterparts.telegram import topics
from tests.counterparts.telegram.world import BOT, Chat, Member, User, World

_FIRST_PERSON, _FIRST_GROUP, _FIRST_SUPERGROUP = 5001, 4001, 1000000000001
MANAGES = (
    *("can_manage_chat", "can_delete_messages", "can_restrict_members", "can_invite_users"),
    *("can_change_info", "can_pin_messages", "can_manage_video_chats"),
)
"""Default rights of a promoted administrator."""


class CannotDo(Exception):
    """Telegram's client does not offer this action."""


class Gathering:
    """People and the chats they are in. `olga` owns every group; she and `mina` have no private
    chat with the bot until they open one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.bot = BOT
        self.olga = self._person("Olga", "en")
        self.mina = self._person("Mina", "en")
        self.group = self._chat("supergroup", "Hive")

    async def meet(self, name: str, language: str = "en") -> int:
        """Create a person who is in no chat."""
        return self._person(name, language)

    async def join(self, name: str, chat: int = 0, *, language: str = "en") -> int:
        """Add a new member to a group."""
        person, group = self._person(name, language), self._world.chats[chat or self.group]
        group.members[person] = Member()
        told = {"new_chat_members": [showing.user(self._world.users[person])]}
        posting.put(self._world, group, person, service=told)
        return person

    async def open_private(self, author: int = 0) -> int:
        """Press Start, which sends /start. The chat's id is the person's."""
        author = author or self.mina
        chat = self._world.chats[author]
        was_met, chat.met = chat.met, True
        if not was_met:
            entities = texts_of("/start")
            posting.put(self._world, chat, author, "/start", entities)
        return author

    async def make_group(self, title: str, *, without_bot: bool = False) -> int:
        """Create a basic group of Mina, Olga and, by default, the bot."""
        return self._chat("group", title, with_bot=not without_bot)

    async def make_supergroup(self, title: str, *, forum: bool = False) -> int:
        id = self._chat("supergroup", title)
        self._world.chats[id].is_forum = forum
        return id

    async def make_channel(self, title: str, discussion: int = 0) -> int:
        """Create a channel that the bot administers; its posts are forwarded to the discussion
        group."""
        channel = self._world.chats[self._chat("channel", title)]
        channel.members[BOT] = Member("administrator", {"can_post_messages", "can_manage_chat"})
        if discussion:
            channel.linked, self._world.chats[discussion].linked = discussion, channel.id
        return channel.id

    async def add_bot(self, chat: int) -> None:
        """Add the bot, for the first time or again. The bot's current privacy mode applies in the
        group from now on."""
        group = self._world.chats[chat]
        before = showing.member(self._world, group.bot, BOT)
        group.members[BOT], group.bot_reads_all = Member(), not self._world.privacy
        told = {"new_chat_members": [showing.user(self._world.users[BOT])]}
        posting.put(self._world, group, self.olga, service=told)
        posting.membership(self._world, group, self.olga, BOT, before)

    async def remove_bot(self, chat: int) -> None:
        await self._become(chat, BOT, Member("kicked"))

    async def leave(self, chat: int, author: int) -> None:
        await self._become(chat, author, Member("left"), by=author)
        told = {"left_chat_member": showing.user(self._world.users[author])}
        posting.put(self._world, self._world.chats[chat], author, service=told)

    async def promote(self, chat: int, who: int, **rights: bool) -> None:
        """Make a member administrator. `rights`: True adds to the defaults, False removes from
        them."""
        may = {name for name in MANAGES if rights.get(name, True)}
        may |= {name for name, value in rights.items() if value}
        await self._become(chat, who, Member("administrator", may))

    async def demote(self, chat: int, who: int) -> None:
        await self._become(chat, who, Member())

    async def restrict(self, chat: int, who: int, **may: bool) -> None:
        """Restrict a member to what is True: `can_send_messages`, `can_send_photos`…"""
        allowed = {name for name, value in may.items() if value}
        await self._become(chat, who, Member("restricted", allowed))

    async def set_privacy(self, on: bool) -> None:
        """Switch privacy mode as BotFather's /setprivacy does. Groups keep the mode that was set
        when the bot joined."""
        self._world.privacy = on

    async def block(self, author: int = 0, *, blocked: bool = True) -> None:
        author = author or self.mina
        chat = self._world.chats[author]
        before = showing.member(self._world, _in_private(blocked=chat.is_blocked), BOT)
        chat.is_blocked = blocked
        chat.members[BOT] = _in_private(blocked=blocked)
        posting.membership(self._world, chat, author, BOT, before)
        if not blocked:
            del chat.members[BOT]

    async def migrate(self, chat: int) -> int:
        """Turn the group into a supergroup with another id and no messages."""
        old = self._world.chats[chat]
        new = self._world.chats[self._chat("supergroup", old.title)]
        new.members, new.bot_reads_all = dict(old.members), old.bot_reads_all
        told = {"migrate_to_chat_id": new.id}
        posting.put(self._world, old, self.olga, service=told)
        old.migrated_to = new.id
        posting.put(self._world, new, self.olga, service={"migrate_from_chat_id": old.id})
        return new.id

    async def delete_chat(self, chat: int) -> None:
        self._world.chats[chat].is_deleted = True

    async def make_forum(self, chat: int) -> None:
        self._world.chats[chat].is_forum = True

    async def make_topic(self, chat: int, name: str, *, author: int = 0) -> int:
        forum = self._world.chats[chat]
        if not forum.is_forum:
            raise CannotDo(f"{chat} has no topics")
        return topics.open_by(self._world, forum, author or self.mina, name).id

    async def close_topic(self, chat: int, topic: int, *, closed: bool = True) -> None:
        forum = self._world.chats[chat]
        topics.shut(self._world, forum, forum.topics[topic], self.olga, closed=closed)

    async def delete_topic(self, chat: int, topic: int) -> None:
        forum = self._world.chats[chat]
        topics.remove(forum, forum.topics[topic])

    async def topics(self, chat: int) -> dict[int, str]:
        return {topic.id: topic.name for topic in self._world.chats[chat].topics.values()}

    async def _become(self, chat: int, who: int, member: Member, *, by: int = 0) -> None:
        group = self._world.chats[chat]
        before = showing.member(self._world, group.members.get(who, Member("left")), who)
        group.members[who] = member
        posting.membership(self._world, group, by or self.olga, who, before)

    def _person(self, name: str, language: str) -> int:
        id = self._world.next("person", _FIRST_PERSON)
        self._world.users[id] = User(id, name, f"{name.lower()}_{id}", language)
        self._world.chats[id] = Chat(id, "private", name, met=False)
        return id

    def _chat(self, kind: str, title: str, *, with_bot: bool = True) -> int:
        id = -self._world.next("group", _FIRST_GROUP)
        if kind != "group":
            id = -1000000000000 - self._world.next("supergroup", 1001)
        members = {self.olga: Member("creator"), self.mina: Member()}
        if with_bot:
            members[BOT] = Member()
        made = Chat(id, kind, title, members, bot_reads_all=not self._world.privacy)
        self._world.chats[id] = made
        return id


def _in_private(*, blocked: bool) -> Member:
    return Member("kicked") if blocked else Member()


def texts_of(command: str) -> list[dict[str, Any]]:
    return [{"type": "bot_command", "offset": 0, "length": len(command)}]
