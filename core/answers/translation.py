"""Translate a question, so that its words are found in a video in another language."""

from __future__ import annotations

import asyncio
import logging

from core.errors import CoreError
from core.language_model.prompts import translate_question
from core.language_model.replies import TranslationDraft, parse, schema
from core.ports import LanguageModel

log = logging.getLogger(__name__)

MAX_TOKENS = 100
MAX_WAIT_S = 10.0
"""The answer waits for it."""


async def translate(model: LanguageModel, question: str, language: str) -> str:
    """Return the question in the language; "" if the model fails or takes too long."""
    try:
        async with asyncio.timeout(MAX_WAIT_S):
            text = await model.complete(
                translate_question(question, language),
                max_tokens=MAX_TOKENS,
                schema=schema(TranslationDraft),
            )
        return parse(text, TranslationDraft).question
    except (CoreError, TimeoutError) as error:
        log.info("a question was not translated: %s", error)
        return ""
