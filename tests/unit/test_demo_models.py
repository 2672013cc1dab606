"""Which source the demo takes its speech model from, and what it says meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from examples.demo import StderrScreen
from examples.speech_models import OnProgress, Unavailable, get_model


@dataclass
class FakeSource:
    """Has its model on disk, gives it, or gives none."""

    name: str
    on_disk: bool = False
    gives: bool = True
    asked: int = 0

    def find(self) -> str | None:
        return f"{self.name}'s" if self.on_disk else None

    def fetch(self, on_progress: OnProgress) -> str:
        self.asked += 1
        if not self.gives:
            raise Unavailable(f"{self.name} is away")
        on_progress(1, 4)
        self.on_disk = True
        return f"{self.name}'s"


@dataclass
class FakeScreen:
    shown: list[object] = field(default_factory=list)

    @contextmanager
    def downloading(self, source: str) -> Iterator[OnProgress]:
        self.shown.append(source)
        yield lambda size, total: self.shown.append((size, total))

    def unavailable(self, source: str, reason: str) -> None:
        self.shown.append(f"{source}: {reason}")


def test_the_first_source_that_gives_the_model_is_asked_last():
    sources = [FakeSource("hub"), FakeSource("index")]
    screen = FakeScreen()
    assert get_model(sources, screen) == "hub's"
    assert screen.shown == ["hub", (1, 4)]
    assert sources[1].asked == 0


def test_the_next_source_is_asked_where_the_first_is_away():
    screen = FakeScreen()
    assert get_model([FakeSource("hub", gives=False), FakeSource("index")], screen) == "index's"
    assert screen.shown == ["hub", "hub: hub is away", "index", (1, 4)]


def test_no_source_is_asked_for_a_model_on_disk():
    sources, screen = [FakeSource("hub", gives=False), FakeSource("index")], FakeScreen()
    get_model(sources, screen)
    screen.shown.clear()
    assert get_model(sources, screen) == "index's"
    assert screen.shown == []


def test_every_source_may_be_away():
    sources, screen = [FakeSource(name, gives=False) for name in ("hub", "index")], FakeScreen()
    assert get_model(sources, screen) is None
    assert screen.shown == ["hub", "hub: hub is away", "index", "index: index is away"]


def test_without_a_terminal_each_quarter_is_a_line(capsys):
    screen = StderrScreen()
    with screen.downloading("the moon") as on_progress:
        for size in range(0, 220, 5):
            on_progress(size * 10**6, 200 * 10**6)
    screen.unavailable("the moon", "a long story\nno rocket")
    assert capsys.readouterr().err.splitlines() == [
        "Downloading Whisper base (150 MB, once) from the moon …",
        "  50 of 200 MB",
        "  100 of 200 MB",
        "  150 of 200 MB",
        "  200 of 200 MB",
        "Not from the moon: no rocket",
    ]
