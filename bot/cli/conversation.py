"""A conversation in the terminal: links and files are ingested, `/proof` shows the places behind
the last answer, anything else is a question.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.cli.commands import Commands
from core.errors import NotALink
from core.sources import find_sources

PROOF = "/proof"
"""The line that shows the places behind the last answer."""


@dataclass(slots=True)
class Conversation:
    """Asks about the last ingested video, or, without one, about all of the channel's videos."""

    commands: Commands
    language: str | None = None
    """Of summaries, and of answers where a question does not tell one; None: the configured one."""
    video_id: str | None = None
    questions: tuple[str, ...] = field(default=())
    """The suggested questions, selected by number from 1."""

    async def ingest(self, text: str) -> bool:
        """Ingest the links and files in `text`. Return whether one succeeded."""
        done = await self.commands.ingest([text], self.language)
        if done:
            self.video_id = done[-1].video.id
            self.questions = done[-1].summary.questions
        return bool(done)

    async def ask_suggested(self) -> None:
        for question in self.questions:
            await self._ask(question, typed=False)

    async def handle_line(self, line: str) -> None:
        line = line.strip()
        if line.isdecimal() and self.questions:
            await self._ask_by_number(int(line))
        elif line == PROOF:
            await self.commands.proof(self.video_id)
        elif _is_source(line):
            await self.ingest(line)
        elif line:
            await self._ask(line, typed=True)

    async def _ask_by_number(self, number: int) -> None:
        if 1 <= number <= len(self.questions):
            await self._ask(self.questions[number - 1], typed=False)
        else:
            self.commands.output.hint("console.no_such_question", number=number)

    async def _ask(self, question: str, *, typed: bool) -> None:
        if not typed:
            self.commands.output.question(question)
        asked = self.commands.ask(question, self.video_id, language=self.language)
        self.questions = await asked or self.questions


def _is_source(line: str) -> bool:
    try:
        return bool(find_sources(line))
    except NotALink:
        return False
