import copy
import json
import math
import pickle
from collections.abc import MutableMapping

import numpy as np
import pytest
import torch

from localart.errors import UsageError
from localart.jsonable import normalise_metadata
from localart.runs.summary_values import Summary


@pytest.fixture
def saved():
    return []


@pytest.fixture
def summary(saved):
    return Summary({"loss": 0.5, "b": {"c": 1, "d": {"e": 2}}, "list": [1, 2]}, on_change=saved.append)


def test_values_are_read_by_key_and_by_attribute_at_any_depth(summary):
    assert summary["loss"] == summary.loss == summary.get("loss") == 0.5
    assert summary["b"]["c"] == summary.b.c == 1
    assert summary["b"]["d"]["e"] == summary.b.d.e == 2
    assert list(summary.keys()) == ["loss", "b", "list"]
    assert dict(summary["b"]["d"].items()) == {"e": 2}
    assert isinstance(summary, MutableMapping)
    assert len(summary) == 3


def test_what_is_absent_is_absent(summary):
    assert not hasattr(summary, "nope")
    assert "nope" not in summary
    assert summary.get("nope") is None
    assert summary.get("nope", 3) == 3
    with pytest.raises(KeyError):
        _ = summary["nope"]
    with pytest.raises(AttributeError, match="nope"):
        _ = summary.b.nope
    with pytest.raises(AttributeError, match="nope"):
        del summary.nope


def test_scalar_tensors_become_numbers(summary, saved):
    summary.update({"loss": torch.tensor(0.25), "accuracy": torch.tensor(0.75, requires_grad=True)})
    summary["count"] = np.int64(3)

    assert summary.as_dict()["loss"] == 0.25
    assert saved[0]["accuracy"] == 0.75
    assert type(saved[1]["count"]) is int


def test_each_change_is_reported_once_and_whole(summary, saved):
    summary["a"] = 1
    summary.b2 = 2
    summary.update(c=3, d=4)
    del summary["a"]
    del summary.b2

    assert len(saved) == 5
    assert (
        saved[-1]
        == summary.as_dict()
        == {"loss": 0.5, "b": {"c": 1, "d": {"e": 2}}, "list": [1, 2], "c": 3, "d": 4}
    )


def test_nested_changes_are_reported_too(summary, saved):
    summary["b"]["d"]["e"] = 9
    summary.b.c = 8
    summary["b"].update({"f": 7})
    del summary["b"]["d"]

    assert [whole["b"] for whole in saved] == [
        {"c": 1, "d": {"e": 9}},
        {"c": 8, "d": {"e": 9}},
        {"c": 8, "d": {"e": 9}, "f": 7},
        {"c": 8, "f": 7},
    ]


def test_what_changes_nothing_is_not_reported(summary, saved):
    summary["loss"] = 0.5
    summary.b.c = 1
    summary.update()
    summary["list"] = (1, 2)

    assert saved == []


def test_a_set_dict_replaces_what_was_there(summary):
    summary["b"] = {"x": 1}

    assert summary["b"] == {"x": 1}


def test_a_branch_sees_what_replaced_it_and_knows_when_it_is_gone(summary):
    branch = summary["b"]
    summary["b"] = {"c": 5}
    assert branch["c"] == 5

    summary["b"] = 3
    with pytest.raises(KeyError):
        branch["c"] = 1
    assert summary["b"] == 3


def test_when_the_report_fails_nothing_has_changed():
    def refuse(whole):
        raise UsageError("this run is finished")

    summary = Summary({"a": {"b": 1}}, on_change=refuse)

    for change in (
        lambda: summary.update(x=1),
        lambda: summary["a"].update(b=2),
        lambda: summary.__delitem__("a"),
        summary.clear,
    ):
        with pytest.raises(UsageError):
            change()
    assert summary.as_dict() == {"a": {"b": 1}}


def test_lists_and_reports_that_were_handed_out_are_copies(summary, saved):
    summary["list"].append(3)
    summary.x = 1
    saved[0]["y"] = 2
    before = copy.deepcopy(saved[0])
    summary.b.c = 7
    summary.merge_logged({"z": 1, "b": {"c": 9}})

    assert summary["list"] == [1, 2]
    assert saved[0] == before
    assert "y" not in summary


def test_logged_values_arrive_quietly_and_wait_to_be_saved(summary, saved):
    assert not summary.has_unsaved

    summary.merge_logged({"loss": 0.1, "new": math.nan})

    assert saved == []
    assert summary.has_unsaved
    assert summary.loss == 0.1
    summary.mark_saved()
    assert not summary.has_unsaved


def test_a_report_carries_logged_values_along(summary, saved):
    summary.merge_logged({"loss": 0.1})
    summary.x = 1

    assert saved[0]["loss"] == 0.1
    assert not summary.has_unsaved


def test_logged_dicts_merge_and_typed_records_replace(summary):
    summary.merge_logged({"b": {"d": {"f": 3}}, "picture": {"_type": "image-file", "caption": "x"}})
    summary.merge_logged({"picture": {"_type": "image-file"}})

    assert summary.b.as_dict() == {"c": 1, "d": {"e": 2, "f": 3}}
    assert summary.picture.as_dict() == {"_type": "image-file"}


def test_bad_keys_and_values_are_refused_and_named(summary, saved):
    with pytest.raises(TypeError, match="must be a str"):
        summary[3] = 1
    with pytest.raises(TypeError, match=r"'summary.b.x\[0\]' is of type object"):
        summary.b.x = [object()]
    assert saved == []


def test_a_converter_may_take_what_json_does_not(saved):
    summary = Summary(on_change=saved.append, convert=lambda value, where: f"{where}={value}")

    summary.a = 1j

    assert summary.a == "summary.a=1j"


def test_a_summary_is_metadata_and_prints_as_a_dict(summary):
    assert normalise_metadata(summary) == summary.as_dict()
    assert normalise_metadata({"s": summary.b})["s"] == summary.b.as_dict()
    assert repr(summary.b) == "{'c': 1, 'd': {'e': 2}}"
    assert json.dumps(summary.as_dict())


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda summary: pickle.loads(pickle.dumps(summary))]
)
def test_copies_are_plain_dicts_far_from_the_run(summary, again):
    assert again(summary) == summary.as_dict()
    assert type(again(summary)) is dict
