import argparse
import datetime as dt
import enum
import math
import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch

from localart.errors import InvalidMetadata
from localart.jsonable import normalise_metadata, normalise_value, normalise_whole


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclass
class Options:
    rate: float
    sizes: tuple[int, ...]


class Silent:
    pass


class Compose:
    def __call__(self, x):
        return x

    def __repr__(self):
        return "Compose(flip, crop)"


class Point(NamedTuple):
    x: int
    y: int


def kept(value):
    return normalise_metadata({"key": value})["key"]


def test_nothing_is_an_empty_dict():
    assert normalise_metadata(None) == {}
    assert normalise_metadata("") == {}


def test_a_json_object_as_text_is_read():
    assert normalise_metadata('{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}


@pytest.mark.parametrize("value", [[1], 3, "[1]", "3", b"{}", {1, 2}, [("a", 1)]])
def test_what_is_no_dict_is_a_type_error(value):
    with pytest.raises(TypeError, match="metadata must be a dict"):
        normalise_metadata(value)


@pytest.mark.parametrize(
    "text", ["{", "{'a': 1}", '{"a": NaN}', '{"a": 1, "a": 2}', '{"a": 1e999}', '{"a": -Infinity}']
)
def test_text_that_is_not_strict_json_is_refused(text):
    with pytest.raises(InvalidMetadata):
        normalise_metadata(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (range(3), [0, 1, 2]),
        (deque([1, 2]), [1, 2]),
        (Point(1, 2), [1, 2]),
        (OrderedDict(b=1), {"b": 1}),
        (b"text", "text"),
        (bytearray(b"text"), "text"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), "2026-01-02T03:04:00+00:00"),
        (PurePosixPath("a/b"), "a/b"),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (Options(rate=0.5, sizes=(1, 2)), {"rate": 0.5, "sizes": [1, 2]}),
        (argparse.Namespace(lr=0.1), {"lr": 0.1}),
        (SimpleNamespace(lr=0.1), {"lr": 0.1}),
        (math.nan, None),
        (math.sqrt, "math.sqrt"),
        (int, "builtins.int"),
        (Options, f"{__name__}.Options"),
        (Compose(), "Compose(flip, crop)"),
        (Decimal("1.50"), "1.50"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (True, True),
        ("é ☃ 𝄞", "é ☃ 𝄞"),
    ],
)
def test_python_values_become_plain_json(value, expected):
    assert kept(value) == expected
    assert type(kept(value)) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.float64("nan"), None),
        (np.array(3), 3),
        (np.array([3]), [3]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([1.0, math.nan]), [1.0, None]),
        (np.arange(32), list(range(32))),
        (np.arange(33), str(np.arange(33))),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (np.array(["2026-01-02"], dtype="datetime64[ns]"), ["2026-01-02T00:00:00.000000000"]),
        (np.dtype("float32"), "float32"),
        (np.zeros(2).view(np.recarray), [0.0, 0.0]),
    ],
)
def test_numpy_values_become_plain_json(value, expected):
    assert kept(value) == expected
    assert type(kept(value)) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.tensor(0.25), 0.25),
        (torch.tensor(3), 3),
        (torch.tensor(True), True),
        (torch.tensor([1.0, 2.0], requires_grad=True), [1.0, 2.0]),
        (torch.tensor([1.0], dtype=torch.bfloat16), [1.0]),
        (torch.nn.Parameter(torch.ones(2)), [1.0, 1.0]),
        (torch.zeros(28, 28), "Tensor(shape=(28, 28), dtype=torch.float32)"),
        (torch.zeros(2, device="meta"), "Tensor(shape=(2,), dtype=torch.float32)"),
        (torch.Size([1, 28, 28]), [1, 28, 28]),
        (torch.float16, "torch.float16"),
        (torch.device("cpu"), "cpu"),
    ],
)
def test_torch_values_become_plain_json(value, expected):
    assert kept(value) == expected
    assert type(kept(value)) is type(expected)


def test_a_tensor_that_only_offers_numpy_is_read_through_it():
    class EagerTensor:
        shape = (2,)
        dtype = "float32"

        def numpy(self):
            return np.array([1.0, 2.0])

    assert kept(EagerTensor()) == [1.0, 2.0]


def test_keys_become_text_as_json_writes_them():
    given = {3: "a", 2.5: "b", None: "c", np.int64(7): "d", Color.RED: "e", True: "f"}

    assert normalise_metadata(given) == {"3": "a", "2.5": "b", "null": "c", "7": "d", "red": "e", "true": "f"}


def test_two_keys_that_become_equal_are_refused():
    with pytest.raises(InvalidMetadata, match=r"'metadata.a' has two keys that both become '1'"):
        normalise_metadata({"a": {1: "x", "1": "y"}})


def test_a_key_that_is_no_text_is_a_type_error_that_names_where():
    with pytest.raises(TypeError, match=r"'metadata.a' has a key of type tuple"):
        normalise_metadata({"a": {(1, 2): "x"}})


@pytest.mark.parametrize(
    "value", [math.inf, -math.inf, np.float32("inf"), np.array([math.inf]), torch.tensor(math.inf)]
)
def test_infinity_is_refused_and_its_place_named(value):
    with pytest.raises(InvalidMetadata, match=r"'metadata\.a\[1\]\.b(\[0\])?' is infinite"):
        normalise_metadata({"a": [0, {"b": value}]})


@pytest.mark.parametrize(
    "value", [object(), Silent(), 1j, np.complex64(1j), (x for x in ()), slice(1), ValueError("x")]
)
def test_what_json_cannot_hold_is_a_type_error_that_names_its_place(value):
    with pytest.raises(TypeError, match=r"'metadata\.a\[0\](\[\d\])?' is of type"):
        normalise_metadata({"a": [value]})


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(InvalidMetadata, match="not UTF-8"):
        kept(b"\xff")


@pytest.mark.parametrize("value", ["\ud800", {"\ud800": 1}, PurePosixPath("\udcff")])
def test_lone_surrogates_are_refused(value):
    with pytest.raises(InvalidMetadata, match="surrogate"):
        kept(value)


def test_lone_surrogates_inside_json_text_are_refused():
    with pytest.raises(InvalidMetadata):
        normalise_metadata('{"a": "\\ud800"}')


def test_whole_numbers_keep_their_digits_up_to_a_limit():
    assert kept(2**100) == 2**100
    with pytest.raises(InvalidMetadata, match="whole number"):
        kept(2**5000)


def test_a_hundred_top_level_keys_are_enough():
    assert len(normalise_metadata({str(i): {str(j): j for j in range(200)} for i in range(100)})) == 100
    with pytest.raises(InvalidMetadata, match="101 top-level keys"):
        normalise_metadata({str(i): i for i in range(101)})


def test_sixty_four_levels_are_enough():
    def nested(levels):
        value = 1
        for _ in range(levels):
            value = [value]
        return value

    assert kept(nested(63)) == nested(63)
    with pytest.raises(InvalidMetadata, match="deeper than 64"):
        kept(nested(64))
    with pytest.raises(InvalidMetadata, match="deeper than 64"):
        kept(nested(100_000))


def test_what_holds_itself_is_refused():
    ring = []
    ring.append([ring])
    loop = {}
    loop["a"] = SimpleNamespace(b=loop)

    for value in (ring, loop):
        with pytest.raises(InvalidMetadata, match="holds itself"):
            kept(value)


def test_the_same_list_twice_is_no_cycle():
    shared = [1]

    assert kept([shared, shared]) == [[1], [1]]


def test_a_small_value_that_would_be_endless_as_json_is_refused_soon():
    value = [0] * 1000
    for _ in range(20):
        value = [value] * 1000

    with pytest.raises(InvalidMetadata, match="values"):
        kept(value)


def test_a_mebibyte_of_json_is_enough():
    with pytest.raises(InvalidMetadata, match="1,048,576 are allowed"):
        kept("x" * (1 << 20))


def test_what_is_kept_shares_nothing_with_what_was_given():
    given = {"a": {"b": [1]}}

    plain = normalise_metadata(given)
    given["a"]["b"].append(2)

    assert plain == {"a": {"b": [1]}}


def test_text_in_messages_cannot_move_the_cursor():
    with pytest.raises(TypeError, match=r"metadata\.\\x1b\[31m"):
        normalise_metadata({"\x1b[31m": object()})


def test_values_keep_nan_and_infinity():
    value = normalise_value({"a": [math.nan, -math.inf], "b": torch.tensor(math.inf), "c": np.float32("nan")})

    assert math.isnan(value["a"][0])
    assert value["a"][1] == -math.inf
    assert value["b"] == math.inf
    assert math.isnan(value["c"])
    assert type(value["c"]) is float


def test_values_name_the_key_they_were_logged_under():
    with pytest.raises(TypeError, match=r"'log\.loss\[0\]' is of type object"):
        normalise_value([object()], "log.loss")


def test_whole_values_keep_large_arrays_as_lists():
    assert normalise_whole(np.zeros((10, 10), int)) == [[0] * 10] * 10
