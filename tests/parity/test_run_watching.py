"""`watch`: histograms of gradients and parameters of PyTorch models."""

from typing import Any

import pytest

import localart
from localart.errors import UsageError

torch = pytest.importorskip("torch")


def step(model: Any) -> None:
    model(torch.ones(4, 3)).sum().backward()


def rows_of(run: localart.Run) -> list[dict[str, Any]]:
    rows = localart.Api().run(run.path).scan_history()
    return [{key: value for key, value in row.items() if not key.startswith("_")} for row in rows]


def model_of(outputs: int = 2) -> Any:
    return torch.nn.Sequential(torch.nn.Linear(3, outputs), torch.nn.ReLU())


def test_gradients_come_with_the_next_log(run: localart.Run) -> None:
    model = model_of()
    run.watch(model, log_freq=2)

    for number in range(4):
        step(model)
        run.log({"loss": number})

    rows = rows_of(run)
    assert [sorted(row) for row in rows] == [
        ["loss"],
        ["gradients/0.bias", "gradients/0.weight", "loss"],
        ["loss"],
        ["gradients/0.bias", "gradients/0.weight", "loss"],
    ]
    histogram = rows[1]["gradients/0.weight"]
    assert histogram["_type"] == "histogram"
    assert sum(histogram["values"]) == 6


def test_parameters_and_all(run: localart.Run) -> None:
    model = model_of()
    run.watch(model, log="all", log_freq=1)
    step(model)
    run.log({"loss": 1})

    (row,) = rows_of(run)
    assert sorted(row) == [
        "gradients/0.bias", "gradients/0.weight", "loss", "parameters/0.bias", "parameters/0.weight",
    ]  # fmt: skip


def test_a_second_model_has_names_of_its_own(run: localart.Run) -> None:
    first, second = model_of(), model_of()
    run.watch([first, second], log="parameters", log_freq=1)
    step(first)
    step(second)
    run.log({})

    (row,) = rows_of(run)
    assert sorted(row) == [
        "parameters/0.bias", "parameters/0.weight", "parameters/graph_10.bias", "parameters/graph_10.weight",
    ]  # fmt: skip


def test_values_that_are_not_finite_are_left_out(run: localart.Run) -> None:
    model = model_of()
    with torch.no_grad():
        model[0].weight[0, 0] = float("nan")
        model[0].bias[:] = float("inf")
    run.watch(model, log="parameters", log_freq=1)
    step(model)
    run.log({})

    (row,) = rows_of(run)
    assert sum(row["parameters/0.weight"]["values"]) == 5
    assert "parameters/0.bias" not in row


def test_unwatch_takes_the_hooks_away(run: localart.Run) -> None:
    first, second = model_of(), model_of()
    run.watch((first, second), log="parameters", log_freq=1)
    run.unwatch(first)
    step(first)
    step(second)
    run.log({"loss": 1})
    run.unwatch()
    step(second)
    run.log({"loss": 2})

    rows = rows_of(run)
    assert [len(row) for row in rows] == [3, 1]


def test_a_finished_run_watches_no_more() -> None:
    model = model_of()
    with localart.init(project="demo") as run:
        run.watch(model, log="all", log_freq=1)

    step(model)

    assert rows_of(run) == []


def test_the_layers_are_logged_when_asked(run: localart.Run) -> None:
    run.watch(model_of(), log=None, log_graph=True)
    run.log({})

    (row,) = rows_of(run)
    assert [node["class_name"] for node in row["graph_0"]["nodes"]] == ["Linear", "ReLU"]


def test_what_cannot_be_watched_is_refused(run: localart.Run) -> None:
    with pytest.raises(TypeError, match="PyTorch models"):
        run.watch(3)
    with pytest.raises(ValueError, match="log must be one of"):
        run.watch(model_of(), log="everything")


def test_without_torch_watch_says_what_to_install(run: localart.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match="PyTorch, which is not installed"):
        run.watch(object())
