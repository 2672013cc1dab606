"""Divide a model's context between a prompt and its reply."""

from __future__ import annotations

from collections.abc import Sequence

from core.language_model.prompts import prompt
from core.model import Passage
from core.ports import LanguageModel, Prompt

QUESTIONS_TOKENS = 256
"""The longest reply with suggested questions; it follows an answer in the same context."""
_MESSAGE_TOKENS = 16  # upper bound of what a chat template adds to one message
_TASK_TOKENS = 96
_HISTORY_SHARE = 0.15  # of the context, so that a whole transcript leaves room for a conversation


def count_tokens(prompt: Prompt, model: LanguageModel) -> int:
    """Estimate a prompt's tokens; errs upward, as the model's own estimate does."""
    return sum(model.tokens(message.text) + _MESSAGE_TOKENS for message in prompt)


def reply_tokens(model: LanguageModel, max_tokens: int) -> int:
    """`max_tokens`, but never more than a quarter of the context."""
    return min(max_tokens, model.num_ctx // 4)


def question_tokens(model: LanguageModel, max_tokens: int) -> int:
    """Tokens left for a question's prompt beside its answer and the suggested questions."""
    return model.num_ctx - reply_tokens(model, max_tokens) - QUESTIONS_TOKENS - _TASK_TOKENS


def fits(passages: Sequence[Passage], model: LanguageModel, max_tokens: int) -> bool:
    """Whether one prompt can hold all passages and still leave room for a conversation."""
    size = count_tokens(prompt(passages), model)
    return size + model.num_ctx * _HISTORY_SHARE <= question_tokens(model, max_tokens)
