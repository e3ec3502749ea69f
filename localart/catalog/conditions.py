"""Which rows of a list are wanted, as records, and the SQL that says so. Names come from tables, values are bound."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from localart.errors import UsageError
from localart.names import shown
from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A row's field compared with a value. `test`: `has` (in the text), =, !=, >, >=, <, <=.

    A number is compared with numbers only, a text without regard to case. The field `text` is all that is
    written in a row; `metadata.a.b` (for runs `config.…`, `summary.…`) is a value inside the JSON.
    """

    field: str
    test: str
    value: str | float
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Which rows of a list, in which order. `artifact` and `project` are row ids; None: all.

    `linked`: the artifact is a portfolio, which holds links to versions of others.
    """

    artifact: int | None = None
    linked: bool = False
    project: int | None = None
    order: str = ""
    descending: bool = True
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """What a condition may name: SQL of plain fields, of members ("has one that …"), and of JSON columns.

    `elsewhere`: by JSON column, what is asked with the path when the column does not hold it.
    """

    plain: Mapping[str, str]
    members: Mapping[str, str]
    json: Mapping[str, str]
    elsewhere: Mapping[str, str] = field(default_factory=dict)


_TESTS = {"has": "LIKE", "=": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}


def order_sql(query: ListQuery, orders: Mapping[str, str], tie: str) -> str:
    """The ORDER BY of a list, with `tie` deciding between equals; UsageError for an order there is not."""
    way = "DESC" if query.descending else "ASC"
    expression = orders.get(query.order)
    if expression is None:
        raise UsageError(
            f"A list has no order {shown(query.order)}", hint=f"one of {', '.join(filter(None, orders))}"
        )
    return f"{expression} {way}" if expression in {tie, "v.number"} else f"{expression} {way}, {tie} {way}"


def json_order_sql(query: ListQuery, fields: Fields, tie: str) -> tuple[str, list[Any]] | None:
    """The ORDER BY by a value inside JSON, rows without it last, and what it binds; None for other orders."""
    found = _json_value(query.order, fields)
    if found is None:
        return None
    (value, bound), way = found, "DESC" if query.descending else "ASC"
    return f"{value} IS NULL, {value} {way}, {tie} {way}", [*bound, *bound]


def add_conditions(query: ListQuery, fields: Fields, parts: list[str], values: list[Any]) -> None:
    """Add the query's conditions to the WHERE `parts` and their `values`; UsageError for an unknown field."""
    for condition in query.conditions:
        sql, bound = _condition(condition, fields)
        parts.append(f"NOT coalesce({sql}, 0)" if condition.negated else sql)
        values += bound


def _condition(condition: Condition, fields: Fields) -> tuple[str, list[Any]]:
    inside = _json_value(condition.field, fields)
    if inside is not None:
        value, paths = inside
        sql, bound = _comparison(value, condition)
        return sql, [*paths * sql.count(value), *bound]
    if condition.field in fields.members:
        sql, bound = _comparison("name", condition)
        return f"EXISTS ({fields.members[condition.field].removesuffix(' AND name')} AND {sql})", bound
    if condition.field not in fields.plain:
        raise UsageError(f"Rows have no field {shown(condition.field)}")
    return _comparison(f"({fields.plain[condition.field]})", condition)


def _json_value(name: str, fields: Fields) -> tuple[str, list[Any]] | None:
    """The value at `column.path.to.it` and what it binds; None when `name` is no such path."""
    head, _, path = name.partition(".")
    if not path or head not in fields.json:
        return None
    column = fields.json[head]
    paths = [_json_path(path.split(".")), _json_path([path])]
    places = [f"json_extract({column}, ?)"] * 2
    if head in fields.elsewhere:
        places.append(fields.elsewhere[head])
        paths.append(path)
    return f"coalesce({', '.join(places)})", paths


def _comparison(value: str, condition: Condition) -> tuple[str, list[Any]]:
    test = _TESTS[condition.test]
    if condition.test == "has":
        escaped = str(condition.value).replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        return rf"{value} LIKE ? ESCAPE '\'", [f"%{escaped}%"]
    if isinstance(condition.value, str):
        return f"CAST({value} AS TEXT) {test} ? COLLATE NOCASE", [condition.value]
    return f"(typeof({value}) IN ('integer', 'real') AND {value} {test} ?)", [condition.value]


def _json_path(keys: Sequence[str]) -> str:
    """`$."a"."b"`; a key that holds a quote cannot be written so and finds nothing."""
    return "$" + "".join(f'."{key.replace(chr(34), "")}"' for key in keys)
