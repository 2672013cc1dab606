"""This file reads the words users see, in one language, from locale/."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import yaml

from core.config import Language


class Words:
    """The texts of one language by dotted key.

    >>> Words("en")("videos.forgotten", count=2)
    'Videos forgotten: 2.'
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        source = files("bot").joinpath("locale", f"{language}.yaml").read_text(encoding="utf-8")
        self.texts = dict(_flat(yaml.safe_load(source)))

    def __call__(self, key: str, /, **facts: object) -> str:
        """The text with its facts put in; only our texts hold `{}`, a fact's own stay as they are.

        Raises KeyError for an unknown key and for a fact that the text wants."""
        return self.texts[key].format(**facts)

    def __contains__(self, key: str) -> bool:
        return key in self.texts


def _flat(tree: dict[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, str(value)
