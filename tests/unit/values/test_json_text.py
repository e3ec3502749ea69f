import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localart.errors import InvalidMetadata
from localart.jsonable import (
    canonical_json,
    dump_values,
    load_values,
    normalise_value,
    parse_json,
    same_value,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
finite = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
plain = st.recursive(
    finite,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
loose = st.recursive(
    finite | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def in_key_order(value):
    if isinstance(value, dict):
        return {key: in_key_order(value[key]) for key in sorted(value)}
    return [in_key_order(item) for item in value] if isinstance(value, list) else value


def test_canonical_json_sorts_keys_and_spends_no_space():
    assert canonical_json({"b": [1, 2.5, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,2.5,null]}'.encode()


@settings(deadline=None)
@given(plain)
def test_canonical_json_reads_back_and_writes_the_same_bytes_again(value):
    written = canonical_json(value)

    assert parse_json(written) == value
    assert canonical_json(parse_json(written)) == written


@settings(deadline=None)
@given(loose)
def test_values_read_back_with_their_nans_and_infinities(value):
    again = load_values(dump_values(value))

    assert same_value(again, value)
    assert repr(in_key_order(again)) == repr(in_key_order(value))


@settings(deadline=None)
@given(loose)
def test_plain_values_are_left_as_they_are(value):
    assert repr(normalise_value(value)) == repr(value)


def test_non_finite_floats_are_written_as_typed_objects():
    assert dump_values({"x": math.nan, "y": [math.inf]}) == (
        b'{"x":{"_type":"float","value":"nan"},"y":[{"_type":"float","value":"inf"}]}'
    )


@pytest.mark.parametrize(
    "other",
    [
        {"_type": "float"},
        {"_type": "float", "value": "2"},
        {"_type": "float", "value": []},
        {"_type": "image-file"},
    ],
)
def test_other_typed_objects_stay_objects(other):
    assert load_values(dump_values([other, math.inf])) == [other, math.inf]


@pytest.mark.parametrize("value", [math.nan, [math.inf], "\ud800", {"\udfff": 1}])
def test_canonical_json_refuses_what_json_cannot_write(value):
    with pytest.raises(InvalidMetadata):
        canonical_json(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nope",
        "{} {}",
        "NaN",
        "-Infinity",
        "1e400",
        '{"a":1,"a":1}',
        '"\\ud800"',
        b"\xff",
        "1" * 5000,
        "[" * 65 + "]" * 65,
    ],
)
def test_reading_is_strict(text):
    with pytest.raises(InvalidMetadata):
        parse_json(text)


def test_reading_a_hundred_thousand_brackets_is_refused_and_does_not_crash():
    with pytest.raises(InvalidMetadata, match="deeper"):
        parse_json("[" * 100_000)
    with pytest.raises(InvalidMetadata, match="deeper"):
        parse_json('{"a":' * 100_000)


def test_reading_allows_many_brackets_that_are_not_deep():
    assert parse_json("[" + ",".join(["[]"] * 1000) + "]") == [[]] * 1000
    assert parse_json('"' + "[" * 1000 + '"') == "[" * 1000
    assert parse_json("[" * 64 + "]" * 64)


def test_a_value_of_full_depth_with_a_nan_inside_reads_back_from_inside_a_record():
    value = math.nan
    for _ in range(64):
        value = [value]

    assert same_value(load_values(dump_values({"key": normalise_value(value)})), {"key": value})


def test_same_value_sees_types_and_nan():
    assert same_value({"a": math.nan}, {"a": math.nan})
    assert not same_value(1, True)
    assert not same_value(1, 1.0)
