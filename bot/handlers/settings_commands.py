"""The commands /language and /settings, and languages as people type them."""

from __future__ import annotations

from bot.chat import Command, Draft
from bot.handlers.context import HandlerContext
from bot.handlers.policy import PlaceRules, Policy
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import ChatSettings

_SWITCH = dict.fromkeys(("on", "yes", "true"), True) | dict.fromkeys(("off", "no", "false"), False)


class SettingsCommands:
    """Change and show the settings of one platform's channels and servers."""

    def __init__(self, context: HandlerContext, policy: Policy) -> None:
        self._context = context
        self._policy = policy

    async def language(self, command: Command, rules: PlaceRules) -> Draft:
        if not (language := find_language(self._context, command)):
            renderer = self._context.renderer(rules.private_language)
            return unknown_language(self._context, renderer)
        return await self._set(command, rules, ChatSettings(language=language))

    async def settings(self, command: Command, rules: PlaceRules) -> Draft:
        options = command.options
        wanted = ChatSettings(
            links=_switch(options.get("links")),
            mention_only=_switch(options.get("mention_only")),
            watch=_who(options.get("who_watch")),
            ask=_who(options.get("who_ask")),
            forget=_who(options.get("who_forget")),
        )
        reset = _switch(options.get("reset")) is True
        return await self._set(command, rules, wanted, reset=reset)

    async def _set(
        self, command: Command, rules: PlaceRules, wanted: ChatSettings, *, reset: bool = False
    ) -> Draft:
        """Show the settings, after changing those that are wanted, if any."""
        renderer = self._context.renderer(rules.private_language)
        if wanted != ChatSettings() or reset:
            if not rules.may_do_all:
                return renderer.say("chat.may_not")
            for_server = command.options.get("for") == "server" and bool(command.where.server)
            rules = await self._policy.change(
                command, rules, wanted, for_server=for_server, reset=reset
            )
        return renderer.habits(rules.settings)


def find_language(context: HandlerContext, command: Command) -> str:
    """The code of the language that the command names, by code or by name; "" if unknown."""
    typed = command.options.get("language", "").strip().casefold()
    names = {
        name.casefold(): code
        for code in context.words
        for name in (code, *(words(f"chat.values.{code}") for words in context.words.values()))
    }
    return names.get(typed, "")


def unknown_language(context: HandlerContext, renderer: MessageRenderer) -> Draft:
    """A reply that lists the known languages."""
    names = [renderer.words(f"chat.values.{code}") for code in context.words]
    return renderer.say("chat.no_language", languages=", ".join(names))


def _switch(option: str | None) -> bool | None:
    return _SWITCH.get((option or "").casefold())


def _who(option: str | None) -> str | None:
    return option if option in ("everyone", "moderators") else None
