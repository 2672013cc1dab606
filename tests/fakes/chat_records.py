"""In-memory versions of the store's chat tables: requests, place bindings, buttons, settings,
usage."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from core.chat_records import AskRequest, ChatSettings, PlaceBinding, Quota, Request, StoredButton
from core.model import Turn


def is_about(request: Request, channel: str, video_id: str | None) -> bool:
    """Whether the request may hold words of the channel's video; of any if there is none."""
    is_of_all = isinstance(request, AskRequest) and not request.video_id
    return request.origin.channel == channel and (
        video_id is None or request.video_id == video_id or is_of_all
    )


class FakeRequests:
    def __init__(self) -> None:
        self._kept: dict[str, tuple[Request, datetime]] = {}
        self.forgotten: set[str] = set()
        """Open questions of people who were forgotten."""

    async def add(self, request: Request) -> bool:
        if request.id in self._kept:
            return False
        self._kept[request.id] = request, datetime.now(UTC)
        return True

    async def save(self, request: Request) -> None:
        if request.id in self._kept and (request.done or not self._kept[request.id][0].done):
            self._kept[request.id] = request, datetime.now(UTC)

    async def open(self, platform: str) -> list[Request]:
        known = [request for request, _ in self._kept.values()]
        return [
            request for request in known if request.origin.platform == platform and not request.done
        ]

    def forget_person(self, platform: str, person: str) -> None:
        for request, saved_at in list(self._kept.values()):
            if (request.origin.platform, request.origin.person) == (platform, person):
                if isinstance(request, AskRequest) and not request.done:
                    self.forgotten.add(request.id)
                is_over = request.done or isinstance(request, AskRequest)
                origin = replace(request.origin, person="")
                kept = replace(request, origin=origin, done=is_over)
                self._kept[request.id] = kept, saved_at

    async def purge(self, before: datetime) -> None:
        for request, saved_at in list(self._kept.values()):
            if request.done and saved_at < before:
                del self._kept[request.id]

    def known(self) -> list[Request]:
        return [request for request, _ in self._kept.values()]

    def forget(self, channel: str, video_id: str | None) -> None:
        for request in self.known():
            if not is_about(request, channel, video_id):
                continue
            if not request.done:
                self._kept[request.id] = replace(request, done=True), datetime.now(UTC)
            elif video_id is None:
                del self._kept[request.id]


class FakePlaceBindings:
    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], PlaceBinding] = {}

    async def bind(self, platform: str, place: str, message_id: str, binding: PlaceBinding) -> None:
        self._kept[platform, place, message_id] = binding

    async def find(self, platform: str, place: str, message_id: str = "") -> PlaceBinding | None:
        own = self._kept.get((platform, place, message_id))
        return own or self._kept.get((platform, place, ""))

    async def close(self, platform: str, place: str) -> None:
        for name in list(self._kept):
            if name[:2] == (platform, place):
                del self._kept[name]

    def is_bound(self, channel: str) -> bool:
        return any(binding.channel == channel for binding in self._kept.values())

    def places(self, channel: str, video_id: str | None) -> set[tuple[str, str]]:
        """The places bound to the video as a whole; all of the channel if there is none."""
        bound = {
            (platform, place)
            for (platform, place, message_id), binding in self._kept.items()
            if binding.channel == channel
            and (video_id is None or (video_id, "") == (binding.video_id, message_id))
        }
        platform, _, place = channel.partition(":")
        return bound if video_id else bound | {(platform, place)}

    def forget(self, channel: str, video_id: str | None) -> None:
        for name, binding in list(self._kept.items()):
            if binding.channel == channel and video_id in (None, binding.video_id):
                del self._kept[name]


class FakeButtons:
    def __init__(self) -> None:
        self._kept: dict[str, StoredButton] = {}

    async def add(self, buttons: Sequence[StoredButton]) -> None:
        for button in buttons:
            self._kept.setdefault(button.id, button)

    async def get(self, button_id: str) -> StoredButton | None:
        return self._kept.get(button_id)

    def forget(self, channel: str, video_id: str | None) -> None:
        for button in list(self._kept.values()):
            if button.channel == channel and (
                video_id is None or button.video_id in (video_id, "")
            ):
                del self._kept[button.id]

    def forget_person(self, channel: str, turns: Sequence[Turn]) -> None:
        asked = {turn.question for turn in turns}
        suggested = {question for turn in turns for question in turn.answer.questions}
        for button in list(self._kept.values()):
            is_proof = any(json.dumps(question) in button.text for question in asked)
            if button.channel == channel and (is_proof or button.text in asked | suggested):
                del self._kept[button.id]


class FakeSettings:
    def __init__(self) -> None:
        self._kept: dict[str, ChatSettings] = {}

    async def get(self, scopes: Sequence[str]) -> list[ChatSettings]:
        return [self._kept.get(scope, ChatSettings()) for scope in scopes]

    async def save(self, scope: str, settings: ChatSettings) -> None:
        self._kept[scope] = settings

    def forget(self, scope: str) -> None:
        self._kept.pop(scope, None)


class FakeUsage:
    def __init__(self) -> None:
        self._used: Counter[tuple[str, str, date]] = Counter()
        self._told: set[tuple[str, str, date]] = set()

    async def take(self, quotas: Sequence[Quota], now: datetime) -> tuple[Quota | None, bool]:
        day = now.astimezone(UTC).date()
        self._used = Counter({name: n for name, n in self._used.items() if name[2] >= day})
        self._told = {name for name in self._told if name[2] >= day}
        names = [(quota.scope, quota.kind, day) for quota in quotas]
        for name, quota in zip(names, quotas, strict=True):
            if self._used[name] >= quota.most:
                first = name not in self._told
                self._told.add(name)
                return quota, first
        self._used.update(names)
        return None, False
