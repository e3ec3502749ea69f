"""What becomes of a metric in its run's summary, by the rules of `define_metric`.

Rules are kept as JSON in `runs.metric_rules`: `{name or glob: {"summary": [op, …], "goal": …, …}}`. A glob ends with
`*`; a rule for the exact name goes before globs, and of those the longest. Without `summary`, or with `copy` alone,
the summary has the last value; with `none`, nothing; else `{op: value}` for each op.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localart.records import dataclass

OPS = ("min", "max", "mean", "best", "last", "first", "copy", "none")
_FOLDED = ("min", "max", "mean", "best")


@dataclass(frozen=True, slots=True)
class Folded:
    """The numbers of one metric so far; NaN counts only as `first` and `last`, which may be any value."""

    count: int = 0
    total: float = 0.0
    low: float | None = None
    high: float | None = None
    first: Any = None
    last: Any = None
    is_empty: bool = True

    def with_value(self, value: Any) -> "Folded":
        """These, and one more."""
        after = replace(self, first=value if self.is_empty else self.first, last=value, is_empty=False)
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            return after
        return replace(
            after,
            count=self.count + 1,
            total=self.total + value,
            low=value if self.low is None else min(self.low, value),
            high=value if self.high is None else max(self.high, value),
        )


def find_rule(rules: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The rule for the metric `name`, or None."""
    exact: Mapping[str, Any] | None = rules.get(name)
    if exact is not None:
        return exact
    globs = [glob for glob in rules if glob.endswith("*") and name.startswith(glob[:-1])]
    best: Mapping[str, Any] | None = rules[max(globs, key=len)] if globs else None
    return best


def summary_ops(rule: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The ops that make the summary differ from the last value; empty when it is the last value."""
    ops = tuple((rule or {}).get("summary") or ())
    return () if set(ops) <= {"copy"} else ops


def summarised(folded: Folded, ops: tuple[str, ...], goal: str | None) -> dict[str, Any]:
    """`{op: value}`; ops that have no value (the least of no number) are left out."""
    if folded.is_empty:
        return {}
    values = {
        "min": folded.low,
        "max": folded.high,
        "mean": folded.total / folded.count if folded.count else None,
        "best": folded.high if goal == "maximize" else folded.low,
        "last": folded.last,
        "first": folded.first,
        "copy": folded.last,
    }
    return {op: values[op] for op in ops if op in values and not (op in _FOLDED and values[op] is None)}
