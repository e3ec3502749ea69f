"""Strategies for what people (and attackers) may pass: texts, paths, JSON. Nothing here is filtered: all is tried."""

import math
import unicodedata

from hypothesis import strategies as st

FRAGMENTS = [
    "..", ".", "/", "//", "\\", ":", "C:", "~", "$HOME", "%2e%2e", "%00", "%", "#", "?", "*", "'", '"', "`ls`", "\0",
    "\x1b[31m", "\n", "\r", "\t", "\x7f", "\x9b", "\u202e", "\u2066", "\u200b", "\u2028", "\ufeff", "\ud800", "\udcff",
    "\U000e0041", "é", "e\u0301", "日本", "👩\u200d🔬", "v0", "v\uff10", "v1_0", "latest", "CON", " ", "", "a", "b.txt",
    "file://", "s3://b/", "etc", "passwd", ".localart", "localart.db", "x" * 130, "é" * 130, "[/b]",
    "'; DROP TABLE runs;--", "-rf",
]  # fmt: skip
LOOK_ALIKES = [
    "\u2024\u2024",
    "\uff0e\uff0e",
    "\u2215",
    "\u29f8",
    "\uff0f",
    "\u0430",
    "\u212a",
    "ﬁ",
    "ß",
    "İ",
    "\u017f",
]
RESERVED = [
    "NUL",
    "nul.txt",
    "COM1",
    "aux",
    "LOCALART",
    "packs",
    "tmp/..",
    "job",
    "wandb-history",
    ".",
    "..",
    "-",
]
LONG = ["x" * 1_000_000, "é" * 500_000, "../" * 300_000, "a/" * 500_000, "\U0001f600" * 260_000]

characters = st.characters(exclude_categories=[])  # lone surrogates too
hostile = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=5).map("".join),
    st.lists(st.sampled_from(FRAGMENTS), max_size=5).map("/".join),
    st.text(characters, max_size=12),
    st.text("ab/.: \\\0\u202e\ud800", max_size=8),
)
seldom_long = st.integers(0, 40).flatmap(lambda at: st.sampled_from(LONG) if at == 0 else hostile)
texts = st.one_of(seldom_long, st.sampled_from(LOOK_ALIKES + RESERVED), hostile)


def twins(text: str) -> list[str]:
    """What some system takes for the same as `text`, and what cannot be beside it."""
    return [
        text.upper(), text.lower(), unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text),
        unicodedata.normalize("NFKC", text), f"{text}/below", f"../{text}", f"{text}/../x", f"{text} ", f"{text}.",
        f"./{text}", text,
    ]  # fmt: skip


plain_paths = st.lists(
    st.sampled_from(
        ["a", "B", "é", "e\u0301", "b.txt", ".hidden", "...", "日本", "con", "x" * 255, "*", "$x", "-", "~"]
    ),
    min_size=1,
    max_size=4,
).map("/".join)
paths = st.one_of(plain_paths, plain_paths, texts)

numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from(
        [math.nan, math.inf, -math.inf, -0.0, 5e-324, 2**63, -(2**63) - 1, 2**4096, 2**4096 - 1, 10**400]
    ),
)


def _nested(levels: int) -> object:
    value: object = "deep"
    for level in range(levels):
        value = {"k": value} if level % 2 else [value]
    return value


leaves = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    texts,
    st.sampled_from([1, 60, 61, 62, 63, 64, 65, 200, 100_000]).map(_nested),
    st.sampled_from(
        [{"_type": "float", "value": "nan"}, {"_type": "float", "value": "1"}, {"_type": "table"}]
    ),
    st.sampled_from([b"bytes", b"\xff", {1, 2}, object(), int, {(1, 2): 3}, 1j]),
)
keys = st.one_of(
    texts, st.integers(0, 2), st.booleans(), st.none(), st.floats(), st.sampled_from(["1", "true", "null"])
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=8
)
mappings = st.dictionaries(keys, values, max_size=4)
