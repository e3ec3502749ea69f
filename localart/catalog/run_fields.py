"""What filters and orders of runs may speak of: each field as SQL for its type and its value.

A type is named as SQLite's `json_type` names it, NULL where the field is missing. Names come from users: they are
bound, never part of the SQL, and a key that no JSON path can spell is looked up row by row instead.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from localart.errors import InvalidRequest
from localart.names import is_storable, shown
from localart.records import dataclass

MOST_SEGMENTS = 16

Bind = Callable[[Any], str]
"""Takes a value and returns the SQL that stands for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: `type` and `value` are SQL. `prepare` turns what users compare it with into what is stored."""

    type: str
    value: str
    prepare: Callable[[Any], Any] = lambda operand: operand
    is_indexed: bool = False


_TEXTS = {
    "name": "r.run_id",
    "id": "r.run_id",
    "displayName": "r.name",
    "state": "r.state",
    "group": "r.group_name",
    "groupName": "r.group_name",
    "jobType": "r.job_type",
    "notes": "r.notes",
    "description": "r.notes",
    "project": "p.name",
    "error": "r.error",
}
_TIMES = {
    "createdAt": "r.created_at",
    "heartbeatAt": "r.updated_at",
    "updatedAt": "r.updated_at",
    "finishedAt": "r.finished_at",
}
_FACTS = {
    "host": ["host"],
    "username": ["user"],
    "user": ["user"],
    "program": ["program"],
    "python": ["python"],
    "platform": ["platform"],
    "commit": ["git", "commit"],
}
_CONFIG = ("config.",)
_SUMMARY = ("summary_metrics.", "summaryMetrics.", "summary.")


def find_field(name: str, bind: Bind) -> Field:
    """The field called `name`, in W&B's spelling or with underscores; InvalidRequest when there is none."""
    if not is_storable(name):
        raise InvalidRequest(f"Runs have no field {shown(name)}", hint="leave out surrogates")
    for prefixes, make in ((_CONFIG, _config), (_SUMMARY, _summary)):
        prefix = next((one for one in prefixes if name.startswith(one)), None)
        if prefix is not None:
            return make(name[len(prefix) :], bind)
    camel = _camel(name)
    if camel in _TEXTS:
        return _text(_TEXTS[camel])
    if camel in _TIMES:
        return _time(_TIMES[camel])
    if camel in _FACTS:
        return _json("r.facts", [_FACTS[camel]], bind)
    if camel == "tags":
        return _tags()
    if camel == "duration":
        return _duration()
    if camel in {"sweep", "sweepName", "entity"}:
        return Field(type="NULL", value="NULL")
    raise InvalidRequest(f"Runs have no field {shown(name)}", hint=_advice(name))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def _advice(name: str) -> str:
    known = ", ".join(["config.KEY", "summary_metrics.KEY", "tags", "duration", *sorted({*_TEXTS, *_TIMES})])
    return f"is it config.{shown(name)[1:-1]}? Known are {known}"


def _text(column: str) -> Field:
    return Field(type=f"CASE WHEN {column} IS NOT NULL THEN 'text' END", value=column)


def _time(column: str) -> Field:
    return Field(
        type=f"CASE WHEN {column} IS NOT NULL THEN 'text' END",
        value=column,
        prepare=stored_time,
        is_indexed=column == "r.created_at",
    )


def stored_time(operand: Any) -> Any:
    """A time as the catalog spells it; InvalidRequest for what is none. None stays None, a list is taken apart."""
    if operand is None:
        return None
    if isinstance(operand, list):
        return [stored_time(one) for one in operand]
    try:
        moment = datetime.fromisoformat(operand)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"{shown(str(operand))} is no time", hint="for example '2026-01-31T12:00:00Z' or a datetime"
        ) from error
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _duration() -> Field:
    seconds = "((julianday(coalesce(r.finished_at, 'now')) - julianday(r.created_at)) * 86400.0)"
    return Field(type="'real'", value=seconds)


def _tags() -> Field:
    names = "(SELECT json_group_array(name) FROM (SELECT name FROM run_tags WHERE run = r.id ORDER BY name))"
    return Field(
        type="CASE WHEN EXISTS (SELECT 1 FROM run_tags WHERE run = r.id) THEN 'array' END",
        value=names,
        prepare=lambda operand: sorted(operand, key=str) or None if isinstance(operand, list) else operand,
    )


# --- config and summary ------------------------------------------------------------------------------


def _config(key: str, bind: Bind) -> Field:
    return _json("r.config", _readings(key), bind)


def _readings(key: str) -> list[list[str]]:
    """What a dotted key may mean, likeliest first: nested keys, W&B's `key.value`, one key with dots in it."""
    parts = key.split(".")
    if len(parts) > MOST_SEGMENTS:
        raise InvalidRequest(
            f"The key {shown(key)} is deeper than {MOST_SEGMENTS} levels", hint="filter on what is above it"
        )
    readings = [parts]
    if len(parts) > 1:
        readings.append([key])
    if len(parts) > 1 and parts[1] == "value":
        readings.append([parts[0], *parts[2:]])
    elif len(parts) > 1 and parts[-1] == "value":
        readings.append([".".join(parts[:-1])])
    return readings


def _summary(key: str, bind: Bind) -> Field:
    """The summary; of a run that has not ended, what it logged last where the summary does not say."""
    kept = _json("r.summary", _readings(key), bind)
    newest = (
        "FROM metrics m WHERE r.finished_at IS NULL AND m.run = r.id"
        f" AND m.metric = (SELECT id FROM metric_names WHERE name = {bind(key)}) ORDER BY m.step DESC LIMIT 1"
    )
    logged_type = (
        "(SELECT CASE WHEN m.body IS NOT NULL THEN json_type(m.body) WHEN m.value IS NULL THEN 'real'"
        f" ELSE typeof(m.value) END {newest})"
    )
    logged_value = (
        f"(SELECT CASE WHEN m.body IS NOT NULL THEN json_extract(m.body, '$') ELSE m.value END {newest})"
    )
    return Field(
        type=f"coalesce({kept.type}, {logged_type})",
        value=f"CASE WHEN {kept.type} IS NOT NULL THEN {kept.value} ELSE {logged_value} END",
    )


def _json(column: str, readings: Sequence[Sequence[str]], bind: Bind) -> Field:
    found = [_reading(column, keys, bind) for keys in readings]
    if len(found) == 1:
        return found[0]
    cases = " ".join(f"WHEN {one.type} IS NOT NULL THEN {one.value}" for one in found)
    return Field(type=f"coalesce({', '.join(one.type for one in found)})", value=f"CASE {cases} END")


def _reading(column: str, keys: Sequence[str], bind: Bind) -> Field:
    if not all(map(_is_plain, keys)):
        return _walked(column, keys, bind)
    found = _at_path(column, keys, bind)
    if len(keys) == 1 or keys[-1] not in {"_type", "value"}:
        return found
    # These keys of a kept infinity are ours, not the user's.
    above = f"json_extract({column}, {bind(_path([*keys[:-1], '_type']))}) = 'float'"
    return Field(type=f"iif({above}, NULL, {found.type})", value=found.value)


def _path(keys: Sequence[str]) -> str:
    return "$" + "".join(f'."{key}"' for key in keys)


def _at_path(column: str, keys: Sequence[str], bind: Bind) -> Field:
    here, kind, number = (bind(_path([*keys, *more])) for more in ([], ["_type"], ["value"]))
    # Infinities and NaN are kept as {"_type": "float", "value": "inf"}.
    return Field(
        type=f"iif(json_extract({column}, {kind}) = 'float', 'real', json_type({column}, {here}))",
        value=(
            f"CASE json_extract({column}, {kind}) WHEN 'float' THEN CASE json_extract({column}, {number})"
            f" WHEN 'inf' THEN 9e999 WHEN '-inf' THEN -9e999 END ELSE json_extract({column}, {here}) END"
        ),
    )


def _is_plain(key: str) -> bool:
    """Whether a path can spell the key in every SQLite: none of the characters that JSON escapes."""
    return bool(key) and '"' not in key and "\\" not in key and all(char >= " " for char in key)


def _walked(column: str, keys: Sequence[str], bind: Bind) -> Field:
    tables, wanted, source = [], [], column
    for number, key in enumerate(keys):
        here = f"e{number}"
        tables.append(f"json_each({source}) {here}")
        wanted.append(f"{here}.key = {bind(key)}")
        source = (
            f"CASE {here}.type WHEN 'object' THEN iif(json_extract({here}.value, '$._type') = 'float', '{{}}',"
            f" {here}.value) ELSE '{{}}' END"
        )
    last = f"e{len(keys) - 1}"
    rest = f"FROM {', '.join(tables)} WHERE {' AND '.join(wanted)} LIMIT 1"
    is_float = f"CASE {last}.type WHEN 'object' THEN json_extract({last}.value, '$._type') = 'float' END"
    return Field(
        type=f"(SELECT iif({is_float}, 'real', {last}.type) {rest})",
        value=(
            f"(SELECT CASE WHEN {is_float} THEN CASE json_extract({last}.value, '$.value')"
            f" WHEN 'inf' THEN 9e999 WHEN '-inf' THEN -9e999 END ELSE {last}.value END {rest})"
        ),
    )
