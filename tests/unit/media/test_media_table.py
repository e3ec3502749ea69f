"""Tables: what they take and refuse, and that they come back equal."""

import datetime as dt
import decimal
import io
import json
import logging
import sys
import tracemalloc
import types
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from localart.errors import InvalidMetadata, UsageError
from localart.media.attach import encode_record, load
from localart.media.audio import Audio
from localart.media.base import EntryReader
from localart.media.classes import Classes
from localart.media.histogram import Histogram
from localart.media.html import Html
from localart.media.image import Image
from localart.media.table import JoinedTable, PartitionedTable, Table


def picture(value, **more):
    return Image(np.full((2, 3), value, dtype=np.uint8), **more)


def record_of(table, shelf):
    return json.loads(encode_record(table.to_artifact(shelf)))


# --- rows --------------------------------------------------------------------------------------------


def test_the_columns_of_an_empty_table_are_w_and_bs():
    table = Table()

    assert (table.columns, table.data) == (["Input", "Output", "Expected"], [])


@pytest.mark.parametrize("row", [(), (1,), (1, 2, 3)])
def test_a_row_of_another_length_is_a_value_error(row):
    table = Table(columns=["a", "b"])

    with pytest.raises(ValueError, match="2 columns"):
        table.add_data(*row)
    assert table.data == []


@pytest.mark.parametrize(
    ("first", "second"),
    [(1, "x"), ("x", 1), (True, 1), (1, True), ([1], ["a"]), ([1], 1), ({"a": 1}, {"b": 1}),
     ({"a": 1}, {"a": "x"}), (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), 5),
     (np.zeros((2, 2)), np.zeros((2, 3))), (picture(1), 1), ("x", picture(1)),
     (Html("x"), picture(1)), (picture(1), Audio([0.0], sample_rate=1)), (1, ...)],
    ids=repr,
)  # fmt: skip
def test_a_cell_of_another_type_is_a_type_error_and_adds_nothing(first, second):
    table = Table(columns=["n", "cell"], data=[[1, first]])

    with pytest.raises(TypeError, match="'cell'"):
        table.add_data(2, second)
    assert len(table.data) == 1
    table.add_data(2, first)


@pytest.mark.parametrize("nothing", [None, float("nan"), np.float32("nan"), np.datetime64("NaT")], ids=str)
def test_no_value_fits_an_optional_column_and_no_other(nothing):
    assert len(Table(columns=["a"], data=[[nothing], [1], [nothing]]).data) == 3
    with pytest.raises(TypeError, match="nothing"):
        Table(columns=["a"], data=[[1], [nothing]], optional=False)


def test_types_and_options_may_be_given_for_each_column():
    table = Table(columns=["a", "b"], dtype=[int, str], optional=[False, True])
    table.add_data(1, None)

    for row in ((None, "x"), ("x", "x"), (1, 1)):
        with pytest.raises(TypeError):
            table.add_data(*row)
    for wrong in ({"dtype": [int]}, {"optional": [True]}):
        with pytest.raises(ValueError, match="2 columns"):
            Table(columns=["a", "b"], **wrong)


def test_a_table_of_mixed_types_takes_anything():
    table = Table(columns=["a"], data=[[1], ["x"], [None], [picture(1)]], allow_mixed_types=True)

    assert len(table.data) == 4
    with pytest.raises(TypeError):
        Table(columns=["a"], data=[[None]], allow_mixed_types=True, optional=False)


@pytest.mark.parametrize(
    ("dtype", "good", "bad"),
    [(int, 1.5, "x"), (str, "x", 1), (bool, True, 1), (float, 1, "x"), (dt.datetime, dt.date(2020, 1, 1), 1),
     ([int], [1, 2], ["x"]), ([int, str], "x", True), ({"a": int}, {"a": 1}, {"a": "x"}),
     (Image, picture(1), Html("x")), (Html, Html("x"), picture(1)), (Classes([{"id": 1, "name": "cat"}]), 1, 2),
     (list, ["x"], 1), (7, 7, 8),
     (np.float32, 1, "x"), (np.bool_, True, 1)],
    ids=repr,
)  # fmt: skip
def test_a_type_may_be_a_class_an_example_or_a_list_of_them(dtype, good, bad):
    dtypes = [dtype]
    table = Table(columns=["a"], dtype=dtypes, optional=False, data=[[good]])

    with pytest.raises(TypeError, match="column 'a'"):
        table.add_data(bad)


@pytest.mark.parametrize("columns", [5, "abc", [1.5], [None], [["a"]], [True], {"a": 1}])
def test_columns_that_are_no_names_are_a_type_error(columns):
    with pytest.raises(TypeError, match="column"):
        Table(columns=columns)


def test_two_columns_of_one_name_are_a_value_error():
    for columns in (["a", "a"], ["1", 1]):
        with pytest.raises(ValueError, match="two columns"):
            Table(columns=columns)


@pytest.mark.parametrize("data", [5, "abc", {"a": 1}, ["abc"], [5], [None]], ids=repr)
def test_data_that_holds_no_rows_is_a_type_error(data):
    with pytest.raises(TypeError, match=r"rows|row"):
        Table(columns=["a"], data=data)


def test_rows_come_from_lists_tuples_and_arrays():
    rows = [[1, 2], [3, 4]]

    for data in (rows, ((1, 2), (3, 4)), np.array(rows), [np.array([1, 2]), (3, 4)]):
        assert Table(columns=["a", "b"], data=data) == Table(columns=["a", "b"], rows=rows)
    with pytest.raises(ValueError, match="dimensions"):
        Table(columns=["a"], data=np.arange(3))


def test_a_row_is_a_copy():
    row = [1, 2]
    table = Table(columns=["a", "b"], data=[row])
    row[0] = 5

    table.add_row(3, 4)

    assert table.data == [[1, 2], [3, 4]]


def test_a_cell_that_holds_itself_is_refused():
    endless = []
    endless.append(endless)

    with pytest.raises(ValueError, match="nested"):
        Table(columns=["a"], data=[[endless]])


# --- columns -----------------------------------------------------------------------------------------


def test_columns_are_added_computed_and_read():
    table = Table(columns=["x", "y"], data=[[3, 1], [4, 6]])

    table.add_column("z", ["a", "b"])
    table.add_column("w", np.array([1.5, 2.5]))
    table.add_computed_columns(lambda number, row: {"difference": row["x"] - row["y"], "number": number})

    assert table.columns == ["x", "y", "z", "w", "difference", "number"]
    assert table.data[1] == [4, 6, "b", 2.5, -2, 1]
    assert table.get_column("x") == [3, 4]
    assert (table.get_column("w", convert_to="numpy") == [1.5, 2.5]).all()
    assert table.get_column("difference", "numpy").dtype.kind == "i"
    with pytest.raises(TypeError):
        table.add_data(1, 1, 1, 1, 1, 1)


def test_the_first_column_makes_the_rows():
    table = Table(columns=[])

    table.add_column("a", [1, 2])

    assert (table.columns, table.data) == (["a"], [[1], [2]])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(("a", [1, 2]), ValueError), (("b", [1]), ValueError), (("b", [1, "x"]), TypeError), (("b", "xy"), TypeError),
     ((5, [1, 2]), TypeError), (("b", [1, None]), TypeError), (("b", None), TypeError)],
    ids=repr,
)  # fmt: skip
def test_a_column_that_does_not_fit_leaves_the_table_as_it_was(arguments, error):
    table = Table(columns=["a"], data=[[1], [2]])

    with pytest.raises(error):
        table.add_column(*arguments)
    assert (table.columns, table.data) == (["a"], [[1], [2]])
    table.add_column("b", [1, None], optional=True)


def test_images_become_pixels_in_an_array():
    table = Table(columns=["a"], data=[[picture(7)], [picture(8)]])

    assert table.get_column("a", "numpy").tolist() == [[[7] * 3] * 2, [[8] * 3] * 2]
    with pytest.raises(ValueError, match="no column"):
        table.get_column("b")
    with pytest.raises(ValueError, match="numpy"):
        table.get_column("a", "torch")


def test_a_column_is_cast_only_when_all_cells_fit():
    table = Table(columns=["a"], data=[["x"], ["y"]])

    with pytest.raises(TypeError, match="number"):
        table.cast("a", int)
    table.cast("a", str)

    with pytest.raises(TypeError):
        table.add_data(None)
    table.cast("a", str, optional=True)
    table.add_data(None)


def test_rows_know_their_number_and_their_table():
    table = Table(columns=["a"], data=[["x"], ["y"]])
    other = Table(columns=["row"], data=[[index] for index in table.get_index()])

    (first, cells), _ = table.iterrows()

    assert (first, cells, first.get_row()) == (0, ["x"], {"a": "x"})
    assert other.data[1][0].get_row() == {"a": "y"}
    assert table.index_ref(1).get_row() == {"a": "y"}
    with pytest.raises(IndexError):
        table.index_ref(2)
    other.add_data(0)
    assert other.data[2][0].get_row() == {"a": "x"}
    with pytest.raises(TypeError):
        other.add_data("x")


def test_keys_link_tables_and_cannot_be_undone():
    people = Table(columns=["name", "age"], data=[["ann", 5]])
    people.set_pk("name")
    pets = Table(columns=["owner"], data=[["ann"]])
    pets.set_fk("owner", people, "name")

    people.add_data("bob", 6)
    pets.add_data("bob")

    assert people.data[1][0].table is people
    assert pets.data[1][0].table is people
    for wrong in (
        lambda: people.set_pk("age"),
        lambda: people.cast("name", str),
        lambda: people.cast("name", people.column_types()["name"], optional=True),
        lambda: pets.set_fk("owner", people, "none"),
        lambda: people.set_fk("age", people, "name"),
    ):
        with pytest.raises((ValueError, TypeError)):
            wrong()
    with pytest.raises(TypeError, match="Table"):
        pets.set_fk("owner", [], "name")


# --- stored and read back ----------------------------------------------------------------------------

NAIVE = dt.datetime.fromisoformat("2024-01-02T03:04:05.678")
CELLS = {
    "numbers": [1, 2.5, -3, 1e300, 5e-324, np.int64(7), np.float32(0.5), 1 << 70],
    "texts": ["", "é\n", "x" * 1000, np.str_("y"), "\u202e"],
    "booleans": [True, False, np.bool_(True)],
    "gaps": [None, 1, float("nan")],
    "infinite": [float("inf"), float("-inf")],
    "lists": [[1, None], [3], (4,), [None], []],
    "dicts": [{"a": 1, "b": [1]}, {"a": 2, "b": [2]}],
    "nested": [[[{"a": ["x"]}]]],
    "matrices": [np.arange(6.0).reshape(2, 3), np.ones((2, 3))],
    "integers": [np.arange(6, dtype=np.int8).reshape(2, 3)],
    "embeddings": [np.arange(3), np.zeros(3)],
    "long arrays": [np.arange(200), np.arange(200)],
    "ragged arrays": [np.array([[1], [2, 3]], dtype=object)],
    "tensors": [torch.eye(2)],
    "times": [
        NAIVE,
        dt.date(2024, 1, 2),
        np.datetime64("2024-01-02"),
    ],
    "zones": [dt.datetime(2024, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=5)))],
    "old times": [dt.datetime(1066, 10, 14, 9, 0, 0, 1000, tzinfo=dt.UTC)],
    "decimals": [decimal.Decimal("1.5")],
    "images": [picture(1, caption="x"), None, picture(2)],
    "sounds": [Audio([0.0, 1.0], sample_rate=2, caption="z")],
    "pages": [Html("<p>")],
    "histograms": [Histogram([1, 2, 3])],
    "lists of images": [[picture(1), picture(2)]],
    "dicts of images": [{"a": picture(1)}],
    "tables": [Table(columns=["x"], data=[[1]])],
    "classes": [Classes([{"id": 1, "name": "cat"}])],
}


@pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS.keys())
def test_every_kind_of_cell_comes_back_equal(cells, shelf):
    table = Table(columns=["cell", 2], data=[[cell, number] for number, cell in enumerate(cells)])

    again = shelf.again(table)

    assert again == table
    assert again.data[-1][1] == len(cells) - 1
    again.add_data(cells[0], 1)


def test_arrays_keep_their_type_in_a_file_of_numpy(shelf):
    table = Table(columns=["file", "b"], data=[[np.arange(6, dtype=np.int8).reshape(2, 3), 1]] * 4)

    record = record_of(table, shelf)
    again = shelf.again(table)

    place = record["column_types"]["params"]["type_map"]["file"]["params"]["allowed_types"][0]["params"]
    assert place["shape"] == [2, 3]
    assert place["serialization_path"]["path"].startswith("media/serialized_data/")
    assert record["data"] == [[None, 1]] * 4
    with np.load(io.BytesIO(shelf.files[place["serialization_path"]["path"]])) as archive:
        assert archive[place["serialization_path"]["key"]].shape == (4, 2, 3)
    assert again.data[3][0].dtype == np.int8
    assert (again.data[3][0] == table.data[3][0]).all()


def test_equal_media_in_many_cells_are_one_file(shelf):
    table = Table(columns=["a", "b"], data=[[picture(5), [picture(5)]]] * 50)

    table.to_artifact(shelf)

    assert len([path for path in shelf.files if path.startswith("media/images/")]) == 1


def test_the_record_is_w_and_bs(shelf):
    table = Table(columns=["n", "s", "when"], data=[[1, None, NAIVE.replace(microsecond=0)]])

    optional = {"wb_type": "union", "params": {"allowed_types": [{"wb_type": "none"}, {"wb_type": "number"}]}}
    assert record_of(table, shelf) == {
        "_type": "table",
        "columns": ["n", "s", "when"],
        "data": [[1, None, 1704164645000]],
        "ncols": 3,
        "nrows": 1,
        "log_mode": "IMMUTABLE",
        "column_types": {
            "wb_type": "typedDict",
            "params": {
                "type_map": {
                    "n": optional,
                    "s": {
                        "wb_type": "union",
                        "params": {"allowed_types": [{"wb_type": "none"}, {"wb_type": "unknown"}]},
                    },
                    "when": {
                        "wb_type": "union",
                        "params": {"allowed_types": [{"wb_type": "none"}, {"wb_type": "timestamp"}]},
                    },
                }
            },
        },
    }


def test_the_type_of_images_tells_layers_scores_and_classes(shelf):
    box = {"position": {"middle": [0, 0], "width": 1, "height": 1}, "class_id": 1, "scores": {"sure": 1}}
    table = Table(columns=["i"], optional=False)
    table.add_data(picture(1, boxes={"p": {"box_data": [box], "class_labels": {1: "cat"}}}))
    table.add_data(picture(2, masks={"m": {"mask_data": [[0]], "class_labels": {0: "sky"}}}))

    kind = record_of(table, shelf)["column_types"]["params"]["type_map"]["i"]

    assert kind["wb_type"] == "image-file"
    assert {name: one["params"]["val"] for name, one in kind["params"].items()} == {
        "box_layers": {"p": [1]},
        "box_class_maps": {"p": {"1": "cat"}},
        "box_score_keys": ["sure"],
        "mask_layers": {"m": [0]},
        "mask_class_maps": {"m": {"0": "sky"}},
        "class_map": {"0": "sky", "1": "cat"},
    }
    assert kind["params"]["box_score_keys"]["params"]["is_set"] is True


def test_a_record_that_w_and_b_wrote_is_read(shelf):
    shelf.files["media/images/a.png"] = picture(1).data
    shelf.files["media/tables/t.table.json"] = encode_record(
        {"_type": "table", "columns": ["k"], "data": [["a"]], "column_types": None}
    )
    optional_image = {
        "wb_type": "union",
        "params": {"allowed_types": [{"wb_type": "wandb.Image", "params": {}}, {"wb_type": "none"}]},
    }
    types = {
        "i": optional_image,
        "t": {"wb_type": "timestamp"},
        "f": {"wb_type": "foreignKey", "params": {"table": "media/tables/t.table.json", "col_name": "k"}},
        "new": {"wb_type": "from-the-future", "params": {"x": 1}},
    }
    record = {
        "_type": "table",
        "columns": ["i", "t", "f", "new"],
        "data": [
            [
                {"_type": "image-file", "path": "media/images/a.png", "format": "png"},
                1000,
                "a",
                {"_type": "?"},
            ]
        ],
        "column_types": {"wb_type": "dictionary", "params": {"type_map": types}},
        "ncols": 4,
        "nrows": 1,
    }
    text = json.dumps(record).replace("1000", "1000").encode()
    shelf.files["x.table.json"] = text

    (row,) = shelf.load("x").data

    assert row[0] == picture(1)
    assert row[1] == dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)
    assert (row[2], row[2].table.data) == ("a", [["a"]])
    assert row[3] == {"_type": "?"}


def test_linked_tables_come_back_with_each_other(shelf):
    people = Table(columns=["name"], data=[["ann"]])
    people.set_pk("name")
    pets = Table(columns=["owner", "row"], data=[["ann", people.index_ref(0)]])
    pets.set_fk("owner", people, "name")

    again = shelf.again(pets)

    assert again == pets
    assert again.data[0][0].table == people
    assert again.data[0][1].get_row() == {"name": "ann"}
    assert again.data[0][0].table.data[0][0].column == "name"


def test_tables_that_hold_themselves_are_refused(shelf):
    one, two = Table(columns=["a"], data=[["x"]]), Table(columns=["a"], data=[["x"]])
    one.set_fk("a", two, "a")
    two.set_fk("a", one, "a")
    inside = Table(columns=["a"], allow_mixed_types=True)
    inside.add_data(1)
    inside.data[0][0] = inside

    for table in (one, inside):
        with pytest.raises(ValueError, match="itself"):
            table.to_artifact(shelf)
    assert one != Table(columns=["a"], data=[["x"]])


@pytest.mark.parametrize(
    "other",
    [Table(columns=["a"], data=[[1], [3]]), Table(columns=["b"], data=[[1], [2]]), Table(columns=["a"], data=[[1]]),
     Table(columns=["a"], data=[["1"], ["2"]]), Table(columns=["a"], data=[[1], [2]], optional=False), None, 5],
    ids=repr,
)  # fmt: skip
def test_tables_differ_in_columns_types_and_cells(other):
    assert Table(columns=["a"], data=[[1], [2]]) != other
    assert Table(columns=["a"], data=[[1], [2]]) == Table(columns=["a"], data=[[1.0], [2]])


CELL = st.none() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(
    st.tuples(CELL, st.text(st.characters(exclude_categories=["Cs"]), max_size=8), st.booleans()), max_size=9
)


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_any_rows_come_back_as_they_were(rows):
    table = Table(columns=["a", "b", "c"], data=rows)
    content = encode_record(table.to_artifact(None))

    again = load(EntryReader(read={"t.table.json": content}.__getitem__, paths=list), "t")

    assert again.data == [list(row) for row in rows]
    assert again == table


# --- limits ------------------------------------------------------------------------------------------


def test_rows_beyond_the_limits_are_left_out_with_a_warning(shelf, monkeypatch, caplog):
    monkeypatch.setattr(Table, "MAX_ROWS", 2)
    monkeypatch.setattr(Table, "MAX_ARTIFACT_ROWS", 3)
    table = Table(columns=["a", "m"], data=[[number, np.full((2, 2), number)] for number in range(5)])

    record = table.to_run(shelf)
    with caplog.at_level(logging.WARNING, logger="localart"):
        again = shelf.again(table)

    assert (record["nrows"], record["ncols"]) == (5, 2)
    assert json.loads(shelf.files[record["path"]])["data"] == [[0, [[0, 0], [0, 0]]], [1, [[1, 1], [1, 1]]]]
    assert [row[0] for row in again.data] == [0, 1, 2]
    assert "5 rows" in caplog.text


def test_the_limits_are_w_and_bs():
    assert (Table.MAX_ROWS, Table.MAX_ARTIFACT_ROWS) == (10_000, 200_000)


@pytest.mark.parametrize("mode", ["x", 5, [], "immutable"])
def test_an_unknown_log_mode_is_a_value_error(mode):
    with pytest.raises(ValueError, match="log_mode"):
        Table(log_mode=mode)


def test_an_incremental_table_only_grows_in_rows():
    table = Table(columns=["a"], data=[[1]], log_mode="INCREMENTAL")

    with pytest.raises(UsageError, match="INCREMENTAL"):
        table.add_column("b", [1])
    with pytest.raises(UsageError, match="INCREMENTAL"):
        table.add_computed_columns(lambda number, row: {})


# --- joined and in parts -----------------------------------------------------------------------------


def test_joined_tables_come_back_equal(shelf):
    one, two = Table(columns=["k"], data=[["a"]]), Table(columns=["k", "v"], data=[["a", picture(3)]])

    for join_key in ("k", ["k", "k"]):
        joined = JoinedTable(one, two, join_key)
        assert shelf.again(joined) == joined
        assert shelf.again(joined).table2.data[0][1] == picture(3)
    assert JoinedTable(one, two, "k") != JoinedTable(two, one, "k")
    shelf.files["t.table.json"] = encode_record(one.to_artifact(shelf))
    by_path = shelf.again(JoinedTable("t.table.json", "missing.table.json", "k"))
    assert (by_path.table1, by_path.table2) == (one, "missing.table.json")


@pytest.mark.parametrize(
    "arguments",
    [("a.csv", "t.table.json", "k"), (5, "t.table.json", "k"), ("t.table.json", None, "k"),
     ("t.table.json", "t.table.json", 5), ("t.table.json", "t.table.json", ["k"]),
     ("t.table.json", "t.table.json", [1, 2]),
     ("../t.table.json", "t.table.json", "k")],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_joined_is_a_value_error(arguments):
    with pytest.raises(ValueError, match=r"join|Path"):
        JoinedTable(*arguments)


def test_a_table_in_parts_is_read_as_one(shelf):
    for number in range(3):
        part = Table(columns=["a"], data=[[number], [number + 10]])
        shelf.files[f"parts/{number}.table.json"] = encode_record(part.to_artifact(shelf))
    table = PartitionedTable("parts")

    again = shelf.again(table)

    assert again == table
    assert list(again.iterrows()) == [(0, [0]), (1, [10]), (2, [1]), (3, [11]), (4, [2]), (5, [12])]
    shelf.files["parts/9.table.json"] = encode_record(Table(columns=["b"], data=[[1]]).to_artifact(shelf))
    with pytest.raises(ValueError, match="other columns"):
        list(shelf.again(table).iterrows())
    for made in (table, JoinedTable("a.table.json", "b.table.json", "k")):
        with pytest.raises(UsageError):
            made.to_run(shelf)


# --- forged ------------------------------------------------------------------------------------------


def npz(array=None, *, header=None, name="column.npy"):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        file = io.BytesIO()
        np.lib.format.write_array(file, np.zeros((2, 2)) if array is None else array, allow_pickle=True)
        data = (
            file.getvalue()
            if header is None
            else np.lib.format.magic(1, 0) + len(header).to_bytes(2, "little") + header
        )
        archive.writestr(name, data)
    return content.getvalue()


ARRAY_COLUMN = {
    "wb_type": "ndarray", "params": {"shape": [2], "serialization_path": {"path": "media/a.npz", "key": "column"}},
}  # fmt: skip
HUGE = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 1099511627776), }\n"
NEGATIVE = b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4), }\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", npz(name="other.npy"), npz(np.array([object()], dtype=object)), npz(np.zeros(())),
     npz(np.zeros((1, 2))),
     npz(header=HUGE), npz(header=NEGATIVE), npz(header=b"__import__('os').abort()\n"), npz()[:-30]],
    ids=["empty", "cut", "other name", "pickle", "no rows", "few rows", "huge", "negative", "code", "truncated"],
)  # fmt: skip
def test_forged_arrays_are_value_errors_and_take_no_memory(shelf, content):
    shelf.files["media/a.npz"] = content
    shelf.files["t.table.json"] = encode_record(
        {"_type": "table", "columns": ["a"], "data": [[None], [None]], **typed(a=ARRAY_COLUMN)}
    )

    with pytest.raises(InvalidMetadata):
        shelf.load("t")


def test_an_array_that_says_it_is_large_is_not_given_memory(shelf):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (33554432, 4), }\n"
    shelf.files["media/a.npz"] = npz(header=header)
    record = {"_type": "table", "columns": ["a"], "data": [[None]], **typed(a=ARRAY_COLUMN)}
    shelf.files["t.table.json"] = encode_record(record)

    tracemalloc.start()
    try:
        with pytest.raises(InvalidMetadata):
            shelf.load("t")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 8 << 20


def typed(**columns):
    return {"column_types": {"wb_type": "typedDict", "params": {"type_map": columns}}}


def deep(levels):
    kind = {"wb_type": "number"}
    for _ in range(levels):
        kind = {"wb_type": "list", "params": {"element_type": kind}}
    return kind


@pytest.mark.parametrize(
    "change",
    [
        {"columns": None},
        {"columns": "a"},
        {"columns": ["a", "a"]},
        {"columns": [None]},
        {"data": None},
        {"data": [1]},
        {"data": [[1, 2]]},
        {"data": {"0": [1]}},
        {"log_mode": "OFTEN"},
        {"column_types": []},
        typed(a=5),
        typed(a={}),
        typed(a={"wb_type": 5}),
        typed(a={"wb_type": "union", "params": {"allowed_types": 5}}),
        typed(a={"wb_type": "ndarray", "params": {"shape": [-1]}}),
        typed(a={"wb_type": "ndarray", "params": {"shape": "x"}}),
        typed(
            a={
                "wb_type": "ndarray",
                "params": {"shape": [1], "serialization_path": {"path": "../x", "key": "a"}},
            }
        ),
        typed(
            a={
                "wb_type": "ndarray",
                "params": {"shape": [1], "serialization_path": {"path": "x", "key": "a"}},
            }
        ),
        typed(a={"wb_type": "foreignKey", "params": {"table": "../x.table.json", "col_name": "a"}}),
        typed(a={"wb_type": "foreignKey", "params": {"table": "x.table.json", "col_name": "a"}}),
        typed(a={"wb_type": "foreignIndex", "params": {"table": "t.table.json"}}),
        typed(a={"wb_type": "classesId", "params": {"classes_obj": {"path": "/etc/passwd"}}}),
        typed(a={"wb_type": "classesId", "params": {"classes_obj": {"class_set": [1]}}}),
        typed(a={"wb_type": "image-file", "params": {"box_layers": {"params": {"val": {"a": ["x"]}}}}}),
        typed(a=deep(40)),
        {"data": [[10**30]], **typed(a={"wb_type": "timestamp"})},
        {"data": [[[[1], [1, 2]]]], **typed(a={"wb_type": "ndarray", "params": {"shape": [2]}})},
        {
            "data": [[{"_type": "image-file", "path": "../../etc/passwd"}]],
            **typed(a={"wb_type": "image-file"}),
        },
        {"data": [[{"_type": "table"}]]},
    ],
    ids=str,
)
def test_a_forged_table_is_a_value_error(shelf, change):
    record = {"_type": "table", "columns": ["a"], "data": [[1]], "ncols": 1, "nrows": 1}
    # Whoever does not check a path finds these.
    shelf.files |= {"../x": npz(), "/etc/passwd": b"{}", "../../etc/passwd": picture(1).data}
    shelf.files["../x.table.json"] = encode_record(record)
    shelf.files["t.table.json"] = encode_record(record | change)

    with pytest.raises(ValueError, match=r"\w"):
        shelf.load("t")


def test_tables_that_name_each_other_in_a_circle_are_a_value_error(shelf):
    for one, other in (("a", "b"), ("b", "a")):
        shelf.files[f"{one}.joined-table.json"] = encode_record(
            {
                "_type": "joined-table",
                "table1": f"{other}.table.json",
                "table2": "c.table.json",
                "join_key": "k",
            }
        )
        key = {"wb_type": "foreignKey", "params": {"table": f"{other}.table.json", "col_name": "a"}}
        shelf.files[f"{one}.table.json"] = encode_record(
            {"_type": "table", "columns": ["a"], "data": [], **typed(a=key)}
        )

    with pytest.raises(ValueError, match="itself"):
        shelf.load("a.table.json")
    with pytest.raises(ValueError, match="itself"):
        shelf.load("a.joined-table.json")


def test_many_tables_that_name_one_another_are_each_read_once(shelf):
    reads = []
    for level in range(40):
        kinds = {
            name: {"wb_type": "foreignIndex", "params": {"table": f"{level + 1}.table.json"}}
            for name in ("a", "b")
        }
        kinds = kinds if level < 39 else {}
        shelf.files[f"{level}.table.json"] = encode_record(
            {"_type": "table", "columns": ["a", "b"], "data": [], **typed(**kinds)}
        )

    def read(path):
        reads.append(path)
        return shelf.files[path]

    assert load(EntryReader(read=read, paths=list), "0.table.json").columns == ["a", "b"]
    assert len([path for path in reads if path in shelf.files]) == 40


# --- frames and notebooks ----------------------------------------------------------------------------


def test_frames_of_polars_are_recognised_without_importing_it(monkeypatch):
    class DataFrame:
        columns = ("a", "b")

        def iter_rows(self):
            return iter([(1, "x"), (2, None)])

    DataFrame.__module__ = "polars.dataframe.frame"

    assert Table(dataframe=DataFrame()).data == [[1, "x"], [2, None]]
    assert Table(data=DataFrame()).columns == ["a", "b"]
    with pytest.raises(TypeError, match="DataFrame"):
        Table(dataframe=[[1]])


def test_a_dataframe_needs_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(UsageError, match="pandas"):
        Table().get_dataframe()


def test_pandas_makes_a_frame_of_the_rows(monkeypatch):
    pandas = types.ModuleType("pandas")
    pandas.DataFrame = types.SimpleNamespace(from_records=lambda rows, columns: (rows, columns))
    monkeypatch.setitem(sys.modules, "pandas", pandas)

    assert Table(columns=["a"], data=[[1]]).get_dataframe() == ([[1]], ["a"])


def test_a_notebook_shows_the_first_rows_escaped():
    table = Table(columns=["<b>", "i"], data=[["<script>alert(1)</script>", picture(1, caption="<i>")]] * 30)

    html = table._repr_html_()

    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert html.count("<tr>") == 21
    assert "10 more rows" in html
    assert "data:image/png" in html
    assert repr(table) == "<Table 30 rows, columns '<b>, i'>"
