"""Show messages as Telegram's client does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.counterparts.telegram import api_objects as showing
from tests.counterparts.telegram import texts
from tests.counterparts.telegram.world import DRAFT_S, Chat, Post, Version, World


@dataclass(frozen=True)
class Seen:
    """A message as it is shown now. `links`: the targets of linked text. `buttons`: rows of labels.
    `photo`: the picture's address or name. `preview`: link_preview_options. `files`: name →
    content. `topic`: 0 outside topics. `versions`: every content it has had, oldest first, with its
    time. `service`: the service message's fields."""

    chat: int
    id: int
    author: int
    text: str
    links: dict[str, str]
    buttons: list[list[str]]
    photo: str
    preview: dict[str, Any]
    files: dict[str, bytes]
    reply_to: int
    topic: int
    service: dict[str, Any]
    versions: list[Version]
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class SeenDraft:
    id: int
    text: str


def seen(world: World, post: Post) -> Seen:
    now, media = post.now, post.now.media
    stored = world.files[media.file_id] if media else None
    is_photo = media is not None and media.kind == "photo"
    links = {
        texts.part(now.text, one): one["url"] for one in now.entities if one["type"] == "text_link"
    }
    return Seen(
        chat=post.chat,
        id=post.id,
        author=post.author,
        text=now.text,
        links=links,
        buttons=[[button["text"] for button in row] for row in now.keyboard],
        photo=(media.url or stored.name) if media and stored and is_photo else "",
        preview=now.preview,
        files={stored.name: stored.content} if stored and not is_photo else {},
        reply_to=post.reply_to,
        topic=post.thread if post.is_topic else 0,
        service=post.service,
        versions=list(post.versions),
        raw=showing.message(world, post),
    )


def shown(world: World, chat: Chat, topic: int | None) -> list[Seen]:
    """The chat's messages, oldest first. `topic`: 0 for the general topic, None for all."""
    posts = sorted(chat.posts.values(), key=lambda post: post.id)
    every = [seen(world, post) for post in posts]
    return [one for one in every if topic is None or one.topic == topic]


def draft_in(world: World, chat: int) -> SeenDraft | None:
    """The draft that the chat shows now, if any."""
    drafts = world.drafts.get(chat)
    if not drafts or not drafts[-1].id or world.now() - drafts[-1].at > DRAFT_S:
        return None
    return SeenDraft(drafts[-1].id, drafts[-1].text)
