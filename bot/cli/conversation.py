"""This file is a conversation in a terminal: links and files are taken in, all else is asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.cli.commands import Commands
from core.errors import NotALink
from core.sources import find_sources


@dataclass(slots=True)
class Conversation:
    """Speaks of the video taken in last; without one, of all that the channel knows."""

    commands: Commands
    video_id: str | None = None
    questions: tuple[str, ...] = field(default=())
    """What the numbers 1 to 3 stand for."""

    async def take_in(self, text: str, language: str | None = None) -> bool:
        """Whether there is a video to speak of."""
        done = await self.commands.ingest([text], language)
        if done:
            self.video_id = done[-1].video.id
            self.questions = done[-1].summary.questions
        return bool(done)

    async def ask_suggested(self) -> None:
        for question in self.questions:
            await self._ask(question, typed=False)

    async def hear(self, line: str) -> None:
        """One line that somebody typed."""
        line = line.strip()
        if line.isdecimal() and self.questions:
            await self._press(int(line))
        elif _is_source(line):
            await self.take_in(line)
        elif line:
            await self._ask(line, typed=True)

    async def _press(self, number: int) -> None:
        if 1 <= number <= len(self.questions):
            await self._ask(self.questions[number - 1], typed=False)
        else:
            self.commands.output.hint("console.no_such_question", number=number)

    async def _ask(self, question: str, *, typed: bool) -> None:
        if not typed:
            self.commands.output.question(question)
        self.questions = await self.commands.ask(question, self.video_id) or self.questions


def _is_source(line: str) -> bool:
    try:
        return bool(find_sources(line))
    except NotALink:
        return False
