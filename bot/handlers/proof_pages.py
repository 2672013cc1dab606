"""Show the places behind an answer, page by page, to the person who asks for them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Self

from bot.chat import Draft
from bot.handlers.buttons import create_buttons
from bot.handlers.context import HandlerContext
from bot.rendering.chat_messages import MessageRenderer
from core.chat_records import StoredButton

PROOF = "proof"
"""The action of a button."""


@dataclass(frozen=True, slots=True)
class ProofPage:
    """A page of the places behind a conversation's answer to `question`, "" for its newest answer.
    `video_id`: of the conversation. `number`: from 1."""

    channel: str
    video_id: str
    thread: str
    question: str = ""
    number: int = 1

    def button(self) -> StoredButton:
        return StoredButton("", self.channel, self.video_id, PROOF, json.dumps(asdict(self)))

    @classmethod
    def of(cls, button: StoredButton) -> Self:
        return cls(**json.loads(button.text))


async def show_proof(
    context: HandlerContext, page: ProofPage, key: str, renderer: MessageRenderer
) -> Draft:
    """Return the page with a button for the next one. `key`: of the event, for the button's id."""
    proof = await context.core.proof(page.channel, page.thread, page.question)
    if proof is None:
        return renderer.say("chat.no_proof")
    drafts = renderer.proof(proof)
    draft = drafts[min(page.number, len(drafts)) - 1]
    if page.number >= len(drafts):
        return draft
    wanted = replace(page, question=proof.question, number=page.number + 1)
    label = renderer.words("chat.buttons.next")
    key = f"{context.chat.name}:{key}:{PROOF}"
    buttons = await create_buttons(context, key, [wanted.button()], [label])
    return replace(draft, buttons=tuple(buttons))
