"""The tables, in the order in which docs/quality.md has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from tests.eval import (
    ablation,
    attribution,
    conversations,
    datasets,
    experiments,
    languages,
    summaries,
)
from tests.eval.datasets import Recording
from tests.eval.product import Product
from tests.eval.seed_setup import SeedSetup
from tests.eval.tables import Table
from tests.eval.vectors import CachedEmbedder

ENGLISH_ONLY = ("minilm",)
QUICK_MEETINGS, QUICK_FACTS = 4, 8
"""Meetings of each subject, and every which fact of a lecture, in a quick run."""
Rows = Mapping[str, Sequence[float]]
Measure = Callable[[Sequence[Recording], Product], Awaitable[Sequence[float]]]
_PLACES = ("places shown", "one of five", "the first")
_REFUSALS = ("own answered", "foreign refused", "foreign not claimed")


class Suite:
    """`data`: see `datasets`. `is_few`: fewer meetings and facts; `is_quick`: fewer tables too."""

    def __init__(
        self,
        embedders: Sequence[CachedEmbedder],
        data: Path | None,
        *,
        is_quick: bool,
        is_few: bool,
    ) -> None:
        self._embedders = embedders
        self._korean = [one for one in embedders if one.name not in ENGLISH_ONLY]
        self._data = data
        self._is_quick = is_quick
        self._meetings = datasets.meetings()
        self._lectures = datasets.lectures()
        self._is_few = is_few or is_quick
        if self._is_few:
            self._meetings = datasets.shortened(self._meetings, QUICK_MEETINGS)
            self._lectures = [datasets.with_every(one, QUICK_FACTS) for one in self._lectures]
        self._products = {one.name: Product(self._meetings, one) for one in embedders}

    async def tables(self, only: Sequence[str] = ()) -> AsyncIterator[Table]:
        """Yield each table as soon as it is measured: all, or those of the keys `only`."""
        for key, measure in self._measures().items():
            if not only or key in only:
                yield await measure()

    def _measures(self) -> Mapping[str, Callable[[], Awaitable[Table]]]:
        """Return what to measure, by the tables' keys."""
        measures = {
            "known video": self._known_video,
            "channel": self._channel,
            "refusals": self._refusals,
            "reference answers": self._reference_answers,
            "search words": self._searches,
            "summaries": self._summaries,
            "lectures": self._facts,
            "talk": self._talk,
            "follow-ups": self._follow_ups,
        }
        if self._is_quick:
            return measures
        measures |= {
            "separation": self._separation,
            "places": self._places,
            "rankings": self._rankings,
        }
        if self._data and self._korean:
            measures |= {
                "Belebele": self._belebele,
                "across": self._across,
                "KorQuAD": self._korquad,
            }
        return measures | {"unanswerable": self._unanswerable}

    async def _known_video(self) -> Table:
        rows = {
            f"ours, {name}": await experiments.known_video(self._meetings, product.places)
            for name, product in self._products.items()
        }
        if not self._is_few:
            one = self._embedders[0]
            rows[f"the seed's set-up, {one.name}"] = await experiments.known_video(
                self._meetings, SeedSetup(self._meetings, one).places
            )
        asked = sum(len(meeting.questions) for meeting in self._meetings)
        return Table(
            "known video",
            "A question about one meeting, without a language model",
            f"QMSum val: {asked} specific questions about {len(self._meetings)} meetings. The share"
            " of questions with places, with one of at most five places in the marked span, and"
            " with the first there. A place counts if half of it is marked or it holds a marked"
            " span. The seed's pieces are those that it gave its language model.",
            _PLACES,
            rows,
            self._kept("ours, "),
            {"places shown": 0.95, "one of five": 0.80, "the first": 0.50},
        )

    async def _channel(self) -> Table:
        rows = {
            f"ours, {name}": await experiments.channel(self._meetings, product)
            for name, product in self._products.items()
        }
        return Table(
            "channel",
            "Search in a channel",
            f"The same questions in the channel of all {len(self._meetings)} meetings: a relevant"
            " chunk among ten hits, and as the first one.",
            ("hit@10", "hit@1"),
            rows,
            self._kept("ours, "),
            {"hit@10": 0.72, "hit@1": 0.40},
        )

    async def _refusals(self) -> Table:
        rows = {
            f"ours, {name}": await experiments.refusals(self._meetings, product)
            for name, product in self._products.items()
        }
        return Table(
            "refusals",
            "Questions of another subject",
            "Each question asked of its own meeting, and of two about another subject (research,"
            " remote control, parliament). Some, such as “Summarize the discussion about scheduling"
            " meetings”, any meeting could be asked. Not claimed: refused, or answered only with"
            " the nearest places, told as such.",
            _REFUSALS,
            rows,
            self._kept("ours, "),
            {"own answered": 0.95, "foreign refused": 0.97},
        )

    async def _reference_answers(self) -> Table:
        one = self._embedders[0]
        return await attribution.reference_answers(self._few_meetings(), self._products[one.name])

    async def _summaries(self) -> Table:
        return Table(
            "summaries",
            "Points of a summary, without a language model",
            f"ROUGE-1 (stemmed, without stop words) of the points of {len(self._meetings)} meetings"
            " against what people wrote of the whole meeting, and of as many words from its"
            " beginning and by LexRank.",
            ("F1", "precision", "recall"),
            summaries.compare(self._meetings),
            ["ours"],
        )

    async def _searches(self) -> Table:
        rows = {
            f"ours, {name}": await experiments.searches(self._meetings, product)
            for name, product in self._products.items()
        }
        return Table(
            "search words",
            "A search for words",
            "The same questions as bare words, searched in their own meeting and in two about"
            " another subject: something is found, nothing is called near in meaning, and not all"
            " the words are said in one sentence.",
            ("own found", "foreign: none near", "foreign: not all said"),
            rows,
            self._kept("ours, "),
        )

    async def _facts(self) -> Table:
        return Table(
            "lectures",
            "Facts of made lectures",
            "Invented facts in two lectures of ten minutes, whose sentences are short. A foreign"
            " question is one about the other lecture.",
            (*_PLACES, *_REFUSALS),
            await self._by_embedder(self._lectures, _facts),
            self._kept("ours, "),
        )

    async def _talk(self) -> Table:
        rows: dict[str, Sequence[float]] = {}
        for spoken in ("en", "ko"):
            for asked in ("en", "ko"):
                talk = datasets.talk(spoken, asked)
                found = await self._by_embedder([talk], _known_video)
                rows |= {f"{spoken} asked in {asked}, {name}": row for name, row in found.items()}
        return Table(
            "talk",
            "A conference talk, in English and Korean",
            "12 questions about a talk of 23 minutes with subtitles in both languages. Few: one"
            " question is eight points.",
            _PLACES,
            rows,
        )

    async def _unanswerable(self) -> Table:
        recordings = datasets.passages_with_unanswerable()
        return Table(
            "unanswerable",
            "Unanswerable among answerable questions",
            "MTRAG-UN: 144 answerable and 49 unanswerable last turns of conversations, asked of all"
            " passages of their collection, without the turns before. Published results reach .33"
            " and .44.",
            ("precision of refusals", "recall"),
            await self._by_embedder(recordings, _unanswerable),
            self._kept("ours, "),
            {"precision of refusals": 0.60, "recall": 0.60},
        )

    async def _across(self) -> Table:
        assert self._data is not None
        return await languages.across(self._data, self._embedders)

    async def _follow_ups(self) -> Table:
        return conversations.follow_ups(self._embedders)

    async def _separation(self) -> Table:
        return ablation.separation(self._few_meetings(), self._embedders[0])

    async def _places(self) -> Table:
        return ablation.places(self._few_meetings(), self._embedders[0])

    async def _rankings(self) -> Table:
        return ablation.rankings(self._meetings, self._embedders[0])

    def _few_meetings(self) -> list[Recording]:
        return datasets.shortened(self._meetings, QUICK_MEETINGS)

    async def _korquad(self) -> Table:
        assert self._data is not None
        texts = datasets.korquad(self._data)
        rows = {f"ours, {one.name}": experiments.paragraphs(texts, one) for one in self._korean}
        return Table(
            "KorQuAD",
            "Korean paragraphs",
            f"KorQuAD 1.0 dev: {len(texts.questions)} questions, every tenth, over all"
            f" {len(texts.texts)} paragraphs.",
            ("R@1", "nDCG@10"),
            rows,
            list(rows),
            {"R@1": 0.90},
        )

    async def _belebele(self) -> Table:
        assert self._data is not None
        rows = {}
        for asked, told in (("ko", "en"), ("en", "ko"), ("en", "en"), ("ko", "ko")):
            texts = datasets.belebele(self._data, asked, told)
            for one in self._korean:
                rows[f"{asked} → {told}, {one.name}"] = experiments.paragraphs(texts, one)
        return Table(
            "Belebele",
            "Questions in one language about the other",
            f"Belebele: {len(texts.questions)} questions over {len(texts.texts)} passages."
            " Goals: nDCG@10 .75 from Korean to English and .68 from English to Korean.",
            ("R@1", "nDCG@10"),
            rows,
            list(rows),
        )

    async def _by_embedder(self, recordings: Sequence[Recording], measure: Measure) -> Rows:
        """Return a row for each embedder."""
        return {
            f"ours, {one.name}": await measure(recordings, Product(recordings, one))
            for one in self._embedders
        }

    def _kept(self, prefix: str) -> list[str]:
        return [prefix + one.name for one in self._embedders]


async def _known_video(recordings: Sequence[Recording], product: Product) -> list[float]:
    return await experiments.known_video(recordings, product.places)


async def _facts(recordings: Sequence[Recording], product: Product) -> list[float]:
    found = await experiments.known_video(recordings, product.places)
    return [*found, *await experiments.refusals(recordings, product)]


async def _unanswerable(recordings: Sequence[Recording], product: Product) -> list[float]:
    return await experiments.unanswerable(recordings, product.places)
