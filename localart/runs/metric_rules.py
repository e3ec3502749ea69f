"""`define_metric`: how a run's metrics are counted and summarised."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from localart.catalog.summary_rules import OPS, Folded, find_rule, summarised, summary_ops
from localart.errors import Error
from localart.names import check_label, shown
from localart.records import dataclass

_GOALS = ("minimize", "maximize")
_TYPES: Mapping[str, type] = {
    "name": str, "step_metric": str, "step_sync": bool, "hidden": bool, "summary": str, "overwrite": bool, "goal": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One rule. `step_metric` is the x-axis; `step_sync` adds its last value to rows that lack it."""

    name: str
    step_metric: str | None = None
    step_sync: bool | None = None
    hidden: bool | None = None
    summary: tuple[str, ...] | None = None
    goal: str | None = None


class MetricRules:
    """The rules of one running run, and what they need to know of the values so far.

    `on_change` receives all rules before they take effect; `folded(name)` tells the values logged earlier.
    For one thread at a time.
    """

    def __init__(
        self,
        rules: Mapping[str, Any],
        *,
        on_change: Callable[[dict[str, Any]], None],
        folded: Callable[[str], Folded],
    ) -> None:
        self._rules = dict(rules)
        self._on_change = on_change
        self._find_folded = folded
        self._folded: dict[str, Folded] = {}
        self._found: dict[str, Mapping[str, Any] | None] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def define(self, metric: Metric, *, overwrite: bool) -> None:
        """Add a rule. Unless `overwrite`, what it leaves open stays as an earlier rule of that name said."""
        said = {key: value for key, value in asdict(metric).items() if value is not None and key != "name"}
        known = {} if overwrite else self._rules.get(metric.name, {})
        rules = {**self._rules, metric.name: {**known, **said}}
        self._on_change(rules)
        self._rules = rules
        self._found.clear()

    def completed(self, flat: dict[str, Any]) -> dict[str, Any]:
        """`flat`, with the last values of step metrics that it lacks and that its metrics are counted by."""
        missing: dict[str, Any] = {}
        for name in flat:
            rule = self._rule(name) or {}
            step = rule.get("step_metric")
            if rule.get("step_sync") and step and step not in flat and not step.startswith("_"):
                last = self._known(step)
                if not last.is_empty:
                    missing[step] = last.last
        return {**missing, **flat} if missing else flat

    def prepare(self, flat: Mapping[str, Any]) -> None:
        """Ask for what is known of these metrics, before their new values are kept."""
        for name in flat:
            self._known(name)

    def summarised(self, values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        """What the summary takes of one logged step, nested as it was logged."""
        result: dict[str, Any] = {}
        for key, value in values.items():
            name = prefix + key
            if isinstance(value, dict) and value and "_type" not in value:
                result[key] = self.summarised(value, f"{name}.")
                continue
            rule = self._rule(name)
            ops = summary_ops(rule)
            self._folded[name] = folded = self._known(name).with_value(value)
            if not ops:
                result[key] = value
            elif "none" not in ops:
                result[key] = summarised(folded, ops, (rule or {}).get("goal"))
        return result

    def _rule(self, name: str) -> Mapping[str, Any] | None:
        if name not in self._found:
            self._found[name] = find_rule(self._rules, name)
        return self._found[name]

    def _known(self, name: str) -> Folded:
        known = self._folded.get(name)
        if known is None:
            known = self._folded[name] = self._find_folded(name)
        return known


def check_metric(
    name: Any, step_metric: Any, step_sync: Any, hidden: Any, summary: Any, goal: Any, overwrite: Any
) -> Metric:
    """The rule these arguments of `define_metric` make; Error for those that make none."""
    if not name:
        raise Error("define_metric() needs a name", hint="for example define_metric('loss', summary='min')")
    if isinstance(step_metric, Metric):
        step_metric = step_metric.name
    given = {
        "name": name, "step_metric": step_metric, "step_sync": step_sync, "hidden": hidden, "summary": summary,
        "overwrite": overwrite, "goal": goal,
    }  # fmt: skip
    for argument, value in given.items():
        if value is not None and not isinstance(value, _TYPES[argument]):
            raise Error(
                f"define_metric() takes a {_TYPES[argument].__name__} as {argument}, not {type(value).__name__}"
            )
    if "*" in name[:-1]:
        raise Error(
            f"define_metric() knows a * only at the end, not {shown(name)}", hint="for example 'val/*'"
        )
    if goal is not None and goal not in _GOALS:
        raise Error(f"goal must be one of {', '.join(_GOALS)}; not {shown(goal)}")
    return Metric(
        name=check_label(name, "Metric name"),
        step_metric=None if step_metric is None else check_label(step_metric, "Metric name"),
        step_sync=step_metric is not None if step_sync is None else step_sync,
        hidden=hidden,
        summary=_ops(summary),
        goal=goal,
    )


def _ops(summary: str | None) -> tuple[str, ...] | None:
    if not summary:
        return None
    ops = tuple(op.strip().lower() for op in summary.split(","))
    for op in ops:
        if op not in OPS:
            raise Error(f"define_metric() has no summary {shown(op)}", hint=f"use some of {', '.join(OPS)}")
    return ops
