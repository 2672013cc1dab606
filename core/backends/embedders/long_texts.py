"""Embed texts of any length with a model whose window is limited."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.ports import Vectors


def embed_whole(
    texts: Sequence[str],
    count_tokens: Callable[[str], int],
    window: int,
    encode: Callable[[list[str]], Vectors],
) -> Vectors:
    """Return shape (n, d), with rows of length 1.

    A text longer than the window is split; its row is the mean of its pieces' rows, weighted by
    their tokens. `encode` maps the pieces to shape (pieces, d), also for no pieces at all."""
    split = [_pieces(text, count_tokens, window) for text in texts]
    pieces = [piece for its_pieces in split for piece in its_pieces]
    owners = [i for i, its_pieces in enumerate(split) for _ in its_pieces]
    rows = encode(pieces)
    weights = np.array([count_tokens(piece) for piece in pieces], dtype=np.float32)
    pooled: Vectors = np.zeros((len(texts), rows.shape[1]), dtype=np.float32)
    np.add.at(pooled, owners, rows * weights[:, None])
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    return pooled


def _pieces(text: str, count_tokens: Callable[[str], int], window: int) -> list[str]:
    """Halve the text until every piece fits, at a blank in its second quarter if there is one."""
    if count_tokens(text) <= window or len(text) < 2:
        return [text]
    quarter, middle = len(text) // 4, len(text) // 2
    blank = max(text.rfind(" ", quarter, middle), text.rfind("\n", quarter, middle))
    cut = blank if blank > 0 else middle
    return [
        *_pieces(text[:cut], count_tokens, window),
        *_pieces(text[cut:], count_tokens, window),
    ]
