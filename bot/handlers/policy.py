"""What a person may do at a place, how often a day, and in which language the bot replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from bot.chat import Event, Person
from bot.handlers.context import HandlerContext
from core.chat_records import ChatSettings, Quota

DEFAULTS = ChatSettings(
    links=True, mention_only=False, watch="everyone", ask="everyone", forget="moderators"
)


@dataclass(frozen=True, slots=True)
class PlaceRules:
    """What applies to one person at one place, at the time of one event."""

    language: str
    """Of replies that everybody at the place sees."""
    private_language: str
    """Of replies that only the person sees."""
    may_do_all: bool
    """A moderator, or a private chat."""
    video_quotas: tuple[Quota, ...]
    question_quotas: tuple[Quota, ...]
    channel_settings: ChatSettings
    server_settings: ChatSettings

    @property
    def settings(self) -> ChatSettings:
        """The settings in effect: the channel's, else the server's, else the defaults."""
        return merged([self.channel_settings, self.server_settings, DEFAULTS])

    @property
    def may_watch(self) -> bool:
        return self.may_do_all or self.settings.watch == "everyone"

    @property
    def may_ask(self) -> bool:
        return self.may_do_all or self.settings.ask == "everyone"

    @property
    def may_forget(self) -> bool:
        return self.may_do_all or self.settings.forget == "everyone"


class Policy:
    """Reads and changes the rules of one platform's places."""

    def __init__(self, context: HandlerContext) -> None:
        self._context = context

    async def read(self, event: Event) -> PlaceRules:
        """The rules for an event, in one read of the store. Call it once per event at most."""
        where = event.where
        scopes = [where.channel, *([where.server] if where.server else [])]
        channel, *rest = await self._context.settings.get(scopes)
        server = rest[0] if rest else ChatSettings()
        own = self._spoken_language(event.author)
        chosen = merged([channel, server]).language or ("" if where.server else own)
        language = chosen or self._context.config.language
        return PlaceRules(
            language=language,
            private_language=(own if where.server else "") or language,
            may_do_all=event.author.is_moderator or not where.server,
            video_quotas=self._quotas(event, "videos"),
            question_quotas=self._quotas(event, "questions"),
            channel_settings=channel,
            server_settings=server,
        )

    async def change(
        self,
        event: Event,
        rules: PlaceRules,
        wanted: ChatSettings,
        *,
        for_server: bool,
        reset: bool,
    ) -> PlaceRules:
        """Store settings for the event's channel or server, and return the rules with them.

        Settings that are None in `wanted` keep their value, or with `reset` lose it."""
        scope = event.where.server if for_server else event.where.channel
        before = rules.server_settings if for_server else rules.channel_settings
        settings = merged([wanted, ChatSettings() if reset else before])
        await self._context.settings.save(scope, settings)
        if for_server:
            return replace(rules, server_settings=settings)
        return replace(rules, channel_settings=settings)

    def _spoken_language(self, person: Person) -> str:
        """The person's language if the bot has its texts, else ""."""
        code = person.language.split("-")[0]
        return code if code in self._context.words else ""

    def _quotas(self, event: Event, kind: str) -> tuple[Quota, ...]:
        limits, where = self._context.config.quotas, event.where
        person = f"person:{self._context.chat.name}:{event.author.id}"
        scopes = {"person": person, "channel": f"channel:{where.channel}"}
        if where.server:
            scopes["server"] = f"server:{where.server}"
        quotas = [
            Quota(scope, kind, getattr(limits, f"{kind}_per_{name}"))
            for name, scope in scopes.items()
        ]
        if kind == "videos":
            quotas.append(Quota("all", kind, limits.videos_in_all))
        return tuple(quotas)


def merged(layers: Sequence[ChatSettings]) -> ChatSettings:
    """Take each setting from the first layer that has it."""
    values = {
        field.name: next(
            (value for one in layers if (value := getattr(one, field.name)) is not None), None
        )
        for field in fields(ChatSettings)
    }
    return ChatSettings(**values)
