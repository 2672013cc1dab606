"""`doctor`'s checks of Telegram: the token, reading messages in groups, and the webhook."""

from __future__ import annotations

import logging

from telegram import Bot, User, WebhookInfo
from telegram.error import InvalidToken

from bot.chat import ChatError
from bot.config import Telegram as Section
from bot.telegram_adapter.connect import open_bot
from bot.telegram_adapter.errors import loggable, translate_errors
from core.errors import ConfigInvalid
from core.model import Check

log = logging.getLogger(__name__)


async def check_telegram(config: Section) -> list[Check]:
    """Check Telegram without sending a message or fetching updates."""
    try:
        async with open_bot(config) as bot:
            return await _findings(bot, config)
    except ConfigInvalid as error:
        return [Check("telegram", "fail", error=error)]
    except ChatError as error:
        if isinstance(error.__cause__, InvalidToken):
            unknown = ConfigInvalid("telegram.token", "Telegram does not know it")
            return [Check("telegram", "fail", error=unknown)]
        log.warning("Cannot reach Telegram: %s", loggable(error))
        return [Check("telegram", "fail", "unreachable")]


async def _findings(bot: Bot, config: Section) -> list[Check]:
    async with translate_errors():
        bot_user = await bot.get_me()
        webhook = await bot.get_webhook_info()
    return [
        Check("telegram", "ok", facts={"name": f"@{bot_user.username}"}),
        _groups(bot_user),
        _webhook(webhook, config),
    ]


def _groups(bot_user: User) -> Check:
    if not bot_user.can_join_groups:
        return Check("telegram_groups", "warn", "not_invited")
    return Check(
        "telegram_groups", "ok", *(() if bot_user.can_read_all_group_messages else ("private",))
    )


def _webhook(webhook: WebhookInfo, config: Section) -> Check:
    """Telegram delivers updates either to one webhook or to a poller."""
    if webhook.url and webhook.url != config.webhook_url:
        return Check("telegram_webhook", "warn", "elsewhere")
    if webhook.last_error_message and webhook.url:
        return Check("telegram_webhook", "warn", "failing", {"told": webhook.last_error_message})
    return Check("telegram_webhook", "ok", *(() if webhook.url else ("polling",)))
