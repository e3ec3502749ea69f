"""Settings of any kind become plain JSON."""

import json
import math

from localart.integration.plain_values import plain_metadata, plain_settings


def test_what_json_holds_stays_as_it_is() -> None:
    settings = {"a": 1, "b": [1, 2.5, None, "x"], "c": {"d": True}}

    assert plain_settings(settings) == settings


def test_only_the_part_that_json_cannot_hold_becomes_text() -> None:
    plain = plain_settings({"deep": {"good": 1, "bad": object()}, "list": [1, object()]})

    assert plain["deep"]["good"] == 1
    assert plain["deep"]["bad"].startswith("<object")
    assert plain["list"][0] == 1


def test_a_value_that_holds_itself_ends() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless

    json.dumps(plain_settings({"endless": endless}))


def test_keys_of_any_kind_become_names() -> None:
    assert plain_settings({1: "a", "--flag": True, "--": 0}) == {"1": "a", "flag": True}


def test_text_that_utf8_cannot_hold_is_escaped() -> None:
    assert plain_settings({"a": "\ud800"}) == {"a": repr("\ud800")}


def test_long_texts_are_cut_only_when_they_stand_for_something_else() -> None:
    class Endless:
        def __repr__(self) -> str:
            raise_length = 10_000
            return "x" * raise_length

        __str__ = None  # type: ignore[assignment]

    assert plain_settings({"a": "y" * 2000}) == {"a": "y" * 2000}
    assert len(plain_settings({"a": Endless()})["a"]) == 501


def test_metadata_has_no_number_that_json_lacks() -> None:
    plain = plain_metadata({"a": math.inf, "b": [-math.inf, math.nan], "c": {"d": 1.5}})

    assert plain == {"a": "inf", "b": ["-inf", None], "c": {"d": 1.5}}
    json.dumps(plain, allow_nan=False)
