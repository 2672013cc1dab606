"""What is counted while it happens, by name. No label holds anything that people write, nor an id:
each has a fixed set of values.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

_WAIT_S = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 12 * 3600)
_REPLY_S = (0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320, 640)


class Instruments:
    """The counters and histograms of one process, with a registry of their own."""

    def __init__(self) -> None:
        # Otherwise each has a second series: when it was made.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"tubethread_{name}", text, labels, registry=registry)

        def seconds(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            name = f"tubethread_{name}_seconds"
            return Histogram(name, text, labels, buckets=buckets, registry=registry)

        self.job_wait = seconds("job_wait", "From the order to the start of its work.", _WAIT_S)
        self.job = seconds("job", "From the order to its end.", _WAIT_S)
        self.jobs_ended = counter("jobs_ended", "Jobs by how they ended.", "outcome")
        self.speech = counter("speech_seconds", "Time spent on transcribing, without loading.")
        self.audio = counter("speech_audio_seconds", "Audio that was transcribed.")
        self.model = seconds("model", "Requests to the language model.", _REPLY_S, "kind")
        self.tokens = counter("model_tokens", "Tokens, as estimated.", "direction")
        self.answers = counter("answers", "Answers by what they rest on.", "grounding")
        self.refusals = counter("refusals", "Refused: a quota is used up.", "kind", "scope")
        self.errors = counter("errors", "Errors in the log by code.", "room", "code")
        self.log_lines = counter("log_lines", "Lines of the log.", "level")
        self.deliveries = counter(
            "deliveries", "Messages whose sending is over.", "platform", "result"
        )
