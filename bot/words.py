"""The texts users see, in one language, read from locale/."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from string import Formatter

import yaml

from core.config import Language

_UNITS_S = (3600, 60, 1)
"""Hours, minutes and seconds."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML has it: reading a language takes 10 ms instead of 150."""


class Words:
    """The texts of one language by dotted key.

    >>> Words("en")("videos.forgotten", count=1)
    'Deleted 1 video.'
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        source = files("bot").joinpath("locale", f"{language}.yaml").read_text(encoding="utf-8")
        self.texts = dict(_flat(yaml.load(source, _LOADER)))

    def __call__(self, key: str, /, **facts: object) -> str:
        """Fill the facts into the text. Braces within a fact stay as they are.

        Raises KeyError for an unknown key and for a missing fact."""
        return _FORMATTER.vformat(self.texts[key], (), facts)

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    def localised_commands(self) -> dict[str, str]:
        """Facts that name each `{/command}` in this language instead of by its key.

        >>> Words("ko").localised_commands()["/help"]
        '/도움말'
        """
        names = filter(None, map(_COMMAND_NAME.fullmatch, self.texts))
        return {f"/{name[1]}": f"/{self.texts[name[0]]}" for name in names}


class _LocaleFormatter(Formatter):
    """Adds plurals, `{count:video|videos}` → "1 video"; lengths of time, `{seconds:시간,분,초}` →
    "4시간"; and command names, `{/watch}` → "/watch" unless a fact gives it another name."""

    def get_value(
        self, key: int | str, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> object:
        is_command = isinstance(key, str) and key.startswith("/")
        return kwargs.get(str(key), key) if is_command else super().get_value(key, args, kwargs)

    def format_field(self, value: object, format_spec: str) -> str:
        if len(units := format_spec.split(",")) == len(_UNITS_S):
            return self._format_time(int(str(value)), units)
        one, is_plural, other = format_spec.partition("|")
        if not is_plural:
            return str(super().format_field(value, format_spec))
        return f"{value} {one if str(value) == '1' else other}"

    def _format_time(self, seconds: int, units: Sequence[str]) -> str:
        """In the longest unit in which it is a whole number."""
        size, unit = next(
            (size, unit)
            for size, unit in zip(_UNITS_S, units, strict=True)
            if size == 1 or (seconds and seconds % size == 0)
        )
        count = seconds // size
        return self.format_field(count, unit) if "|" in unit else f"{count}{unit}"


_FORMATTER = _LocaleFormatter()
_COMMAND_NAME = re.compile(r"commands\.(\w+)\.name")


def _flat(tree: dict[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)
