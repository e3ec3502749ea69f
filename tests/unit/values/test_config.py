import argparse
import copy
import json
import math
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from localart.errors import ConfigError, InvalidMetadata, SourceMissing, SourceUnreadable, UsageError
from localart.jsonable import normalise_metadata
from localart.media import Image
from localart.runs.configuration import Config, StaticConfig, read_config


@pytest.fixture
def saved():
    return []


@pytest.fixture
def config(saved):
    return Config({"batch_size": 128, "optimizer": "Adam", "sizes": (1, 2)}, on_change=saved.append)


def test_values_are_read_by_attribute_and_by_key(config):
    assert config.batch_size == config["batch_size"] == config.get("batch_size") == 128
    assert config.get("nope") is None
    assert config.get("nope", 3) == 3
    assert "optimizer" in config
    assert "nope" not in config
    assert not hasattr(config, "nope")


def test_what_is_missing_raises_as_attributes_and_keys_do(config):
    with pytest.raises(AttributeError, match="nope"):
        _ = config.nope
    with pytest.raises(KeyError):
        _ = config["nope"]


def test_a_config_unpacks_and_turns_into_a_dict(config):
    expected = {"batch_size": 128, "optimizer": "Adam", "sizes": [1, 2]}

    assert dict(**config) == dict(config) == config.as_dict() == expected
    assert list(config) == list(config.keys()) == ["batch_size", "optimizer", "sizes"]
    assert list(config.values()) == [128, "Adam", [1, 2]]
    assert dict(config.items()) == expected
    assert repr(config) == repr(expected)


def test_a_config_is_metadata_as_it_is(config):
    assert isinstance(config, Mapping)
    assert normalise_metadata(config) == normalise_metadata({"config": config})["config"] == config.as_dict()


def test_a_config_has_no_length_and_loses_no_keys(config):
    with pytest.raises(TypeError):
        len(config)
    with pytest.raises(AttributeError):
        del config["batch_size"]
    with pytest.raises(AttributeError):
        del config.batch_size
    assert Config(on_change=print)


def test_making_a_config_is_no_change(config, saved):
    assert saved == []


def test_each_change_is_reported_once_and_whole(config, saved):
    config.epochs = 5
    config["lr"] = np.float32(0.5)
    config.update({"a": 1, "b": torch.tensor(2)})

    assert [len(whole) for whole in saved] == [4, 5, 7]
    assert saved[-1] == config.as_dict()
    assert saved[-1]["b"] == 2
    assert type(saved[-1]["lr"]) is float


def test_what_changes_nothing_is_not_reported(config, saved):
    config.batch_size = 128
    config.update({"sizes": (1, 2)})
    config.update({})
    config.update(None)
    config.setdefaults({"batch_size": 1})
    config.update(config)

    assert saved == []


def test_nan_stays_the_same_value(saved):
    config = Config({"x": math.nan}, on_change=saved.append)

    config.update({"x": math.nan})

    assert saved == []


def test_a_known_key_keeps_its_value(config, saved):
    with pytest.raises(ConfigError, match=r"'batch_size' is '128' and would become '64'"):
        config.batch_size = 64
    with pytest.raises(ConfigError, match="allow_val_change=True"):
        config.update({"new": 1, "batch_size": 64})

    assert config.as_dict() == {"batch_size": 128, "optimizer": "Adam", "sizes": [1, 2]}
    assert saved == []


def test_a_known_key_changes_when_that_is_allowed(config, saved):
    config.update({"batch_size": 64}, allow_val_change=True)
    config.update({"batch_size": 32}, True)

    assert config.batch_size == 32
    assert len(saved) == 2


def test_a_whole_config_can_allow_changes(saved):
    config = Config({"a": 1}, on_change=saved.append, allow_val_change=True)

    config.a = 2
    with pytest.raises(ConfigError):
        config.update({"a": 3}, allow_val_change=False)

    assert saved == [{"a": 2}]


def test_defaults_fill_only_what_is_missing(config, saved):
    config.setdefaults({"batch_size": 1, "epochs": 3})

    assert config.batch_size == 128
    assert config.epochs == 3
    assert len(saved) == 1


def test_when_the_report_fails_nothing_has_changed():
    def refuse(whole):
        raise UsageError("this run is finished")

    config = Config({"a": 1}, on_change=refuse)

    with pytest.raises(UsageError, match="finished"):
        config.b = 2
    with pytest.raises(UsageError, match="finished"):
        config.update({"a": 3}, allow_val_change=True)
    assert config.as_dict() == {"a": 1}


def test_editing_what_was_reported_does_not_change_the_config(config, saved):
    config.nested = {"a": [1]}

    saved[0]["nested"]["a"].append(2)
    config.as_dict()["nested"]["a"].append(3)

    assert config.nested == {"a": [1]}


def test_keys_lose_their_dashes(config):
    config.update({"--lr-": 1, "two-words": 2})

    assert config.lr == 1
    assert config["two-words"] == 2
    with pytest.raises(UsageError, match="no name"):
        config["--"] = 1
    with pytest.raises(TypeError, match="must be a str"):
        config[3] = 1


def test_values_json_cannot_hold_are_refused_and_named(config):
    with pytest.raises(TypeError, match=r"'config.model.layers\[0\]' is of type object"):
        config.model = {"layers": [object()]}
    with pytest.raises(InvalidMetadata, match="surrogate"):
        config.text = "\ud800"


@pytest.mark.parametrize("wrap", [lambda image: image, lambda image: [image]])
def test_media_do_not_belong_in_a_config(config, wrap):
    with pytest.raises(TypeError, match="Image"):
        config.picture = wrap(Image([[0]]))


def test_namespaces_dataclasses_and_plain_objects_are_taken():
    @dataclass
    class Options:
        lr: float

    class Plain:
        def __init__(self):
            self.lr = 0.5

    assert (
        read_config(argparse.Namespace(lr=0.5))
        == read_config(Options(lr=0.5))
        == read_config(Plain())
        == {"lr": 0.5}
    )


@pytest.mark.parametrize("source", [3, [("a", 1)], {1, 2}, dict, Image([[0]])])
def test_what_holds_no_keys_is_refused(source):
    with pytest.raises(TypeError, match="config must be a dict"):
        read_config(source)


def test_a_config_reads_a_yaml_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "wandb_version: 1\nlr:\n  value: 0.5\n  desc: speed\nnested:\n  value: 1\n  other: 2\nsizes: [1, 2]\n"
    )

    assert (
        read_config(str(path))
        == read_config(path)
        == {
            "lr": 0.5,
            "nested": {"value": 1, "other": 2},
            "sizes": [1, 2],
        }
    )


def test_a_config_reads_a_json_file(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"lr": {"value": 0.5}, "batch": 3}))

    assert read_config(str(path)) == {"lr": 0.5, "batch": 3}


def test_an_empty_yaml_file_is_an_empty_config(tmp_path):
    (tmp_path / "c.yaml").write_text("# nothing yet\n")

    assert read_config(tmp_path / "c.yaml") == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.yaml", "a: [1"),
        ("c.yaml", "- 1"),
        ("c.yaml", "a: !!python/object:os.system {}"),
        ("c.json", "{"),
        ("c.json", "[1]"),
    ],
)
def test_a_file_that_is_no_config_is_a_usage_error(tmp_path, name, content):
    (tmp_path / name).write_text(content)

    with pytest.raises(UsageError, match=name):
        read_config(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceMissing, match=r"none\.yaml"):
        read_config(str(tmp_path / "none.yaml"))
    with pytest.raises(SourceUnreadable, match="cannot be read"):
        read_config(tmp_path)


def test_without_pyyaml_a_yaml_file_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "c.yaml").write_text("a: 1")
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(UsageError, match="pip install pyyaml"):
        read_config(tmp_path / "c.yaml")


def test_a_frozen_config_reads_the_same_and_changes_no_more(config):
    frozen = config.frozen()
    config.epochs = 3

    assert frozen.batch_size == 128
    assert "epochs" not in frozen
    for change in (lambda: setattr(frozen, "a", 1), lambda: frozen.__setitem__("a", 1)):
        with pytest.raises(AttributeError, match="read-only"):
            change()


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda config: pickle.loads(pickle.dumps(config))]
)
def test_copies_are_read_only_and_far_from_the_run(config, saved, again):
    copied = again(config)

    assert isinstance(copied, StaticConfig)
    assert dict(copied) == dict(config)
    assert saved == []
