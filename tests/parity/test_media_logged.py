"""What a run keeps of the media it logs: records in history and summary, files, and the artifacts of tables."""

import io
import json
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import localart
from localart.errors import InvalidMetadata, UsageError
from localart.media.audio import Audio
from localart.media.histogram import Histogram
from localart.media.html import Html
from localart.media.image import Image
from localart.media.joined import JoinedTable
from localart.media.molecule import Molecule
from localart.media.object3d import Object3D
from localart.media.table import Table
from localart.media.video import Video


def picture(value: int, **more: object) -> Image:
    return Image(np.full((2, 3), value, dtype=np.uint8), **more)  # type: ignore[arg-type]


def reader(run: localart.Run) -> object:
    return localart.Api().run(run.path)


def rows_of(run: localart.Run) -> list[dict]:
    return list(localart.Api().run(run.path).scan_history())


def kept(run: localart.Run, path: str) -> bytes:
    return localart.Api().run(run.path).read_file(path)


def versions_of(run: localart.Run) -> list[str]:
    return [artifact.source_name for artifact in run.logged_artifacts()]


SINGLE = {
    "image": lambda: picture(1, caption="x"),
    "audio": lambda: Audio([0.0, 1.0], sample_rate=2),
    "video": lambda: Video(np.zeros((2, 3, 4, 4), np.uint8), format="gif"),
    "html": lambda: Html("<p>"),
    "object3d": lambda: Object3D(np.eye(3)),
    "molecule": lambda: Molecule(io.StringIO("ATOM"), file_type="pdb"),
}
LISTS = {
    "image": "images/separated",
    "audio": "audio",
    "video": "videos",
    "html": "html",
    "object3d": "object3D",
    "molecule": "molecule",
}


@pytest.mark.parametrize("name", SINGLE)
def test_one_object_is_a_record_and_a_file(run: localart.Run, name: str) -> None:
    media = SINGLE[name]()

    run.log({"deep": {"key": media}}, step=4)

    (row,) = rows_of(run)
    record = row["deep.key"]
    assert (record["_type"], record["size"]) == (media.kind, len(media.data))
    assert re.fullmatch(
        rf"{media.folder}/deep_key_4_0_[0-9a-f]{{20}}{re.escape(media.suffix)}", record["path"]
    )
    assert kept(run, record["path"]) == media.data
    assert dict(run.summary["deep"]["key"]) == record


@pytest.mark.parametrize("name", SINGLE)
def test_a_list_has_w_and_bs_record(run: localart.Run, name: str) -> None:
    run.log({"key": [SINGLE[name](), SINGLE[name]()]})

    (row,) = rows_of(run)
    assert (row["key"]["_type"], row["key"]["count"]) == (LISTS[name], 2)
    assert len(localart.Api().run(run.path).files()) == 2


def test_different_media_in_one_list_have_a_record_each(run: localart.Run) -> None:
    run.log({"key": [picture(1), Html("x"), Histogram([1])]})

    (row,) = rows_of(run)
    assert [record["_type"] for record in row["key"]] == ["image-file", "html-file", "histogram"]


def test_a_histogram_is_its_record(run: localart.Run) -> None:
    run.log({"key": Histogram([1, 2, 3], num_bins=2), "several": [Histogram([1]), Histogram([2])]})

    (row,) = rows_of(run)
    assert row["key"] == {"_type": "histogram", "values": [1, 2], "bins": [1.0, 2.0, 3.0]}
    assert [record["_type"] for record in row["several"]] == ["histogram", "histogram"]
    assert len(localart.Api().run(run.path).files()) == 0


@pytest.mark.parametrize(
    "array", [np.arange(33), np.zeros((6, 6)), np.ones(40, bool)], ids=lambda array: str(array.shape)
)
def test_a_large_array_becomes_a_histogram_and_a_small_one_a_list(
    run: localart.Run, array: np.ndarray
) -> None:
    run.log({"large": array, "small": np.arange(32), "text": np.array(["a"] * 40)})

    (row,) = rows_of(run)
    assert (row["large"]["_type"], len(row["large"]["values"]), len(row["large"]["bins"])) == (
        "histogram",
        32,
        33,
    )
    assert row["small"] == list(range(32))


def test_layers_of_an_image_are_files_of_the_run(run: localart.Run) -> None:
    box = {"position": {"middle": [0, 0], "width": 1, "height": 1}, "class_id": 1}
    layers = {"boxes": {"p": {"box_data": [box]}}, "masks": {"m": {"mask_data": np.eye(2, dtype=int)}}}

    run.log({"one": picture(1, **layers), "two": [picture(1, **layers), picture(2)]})

    (row,) = rows_of(run)
    boxes = json.loads(kept(run, row["one"]["boxes"]["p"]["path"]))
    assert boxes == {"box_data": [box], "class_labels": {"1": "class_1"}}
    assert kept(run, row["one"]["masks"]["m"]["path"]).startswith(b"\x89PNG")
    assert row["two"]["all_boxes"][1] is None
    assert row["two"]["all_masks"][0]["m"]["_type"] == "mask"


def test_a_bad_value_beside_media_keeps_nothing(run: localart.Run) -> None:
    with pytest.raises(InvalidMetadata):
        run.log({"table": Table(columns=["a"], data=[[1]]), "image": picture(1), "bad": 1 << 5000})

    assert rows_of(run) == []
    assert len(localart.Api().run(run.path).files()) == 0
    assert versions_of(run) == []


# --- tables ------------------------------------------------------------------------------------------


def test_a_table_is_a_file_to_look_at_and_an_artifact(run: localart.Run) -> None:
    table = Table(columns=["n", "i"], data=[[1, picture(1)], [float("nan"), picture(2)]])

    run.log({"my table": table}, step=3)

    (row,) = rows_of(run)
    record = row["my table"]
    (version,) = run.logged_artifacts()
    assert {key: record[key] for key in ("_type", "ncols", "nrows", "log_mode")} == {
        "_type": "table-file", "ncols": 2, "nrows": 2, "log_mode": "IMMUTABLE",
    }  # fmt: skip
    assert json.loads(kept(run, record["path"])) == {
        "columns": ["n", "i"],
        "data": [[1, "Image"], [None, "Image"]],
    }
    assert record["path"].startswith("media/table/my_table_3_0_")
    assert record["artifact_path"] == f"wandb-artifact://demo/{version.source_name}/my table.table.json"
    assert version.type == "run_table"
    assert version.name.startswith(f"run-{run.id}-mytable-")
    assert version.get("my table") == table


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("t", "t"),
        ("eval/t", "eval/t"),
        ("../t", "t"),
        ("a\\b", "a_b"),
        ("///", "table"),
        ("x" * 300, "x" * 80),
    ],
    ids=["plain", "folder", "up", "backslash", "slashes", "long"],
)
def test_any_key_becomes_a_name_an_artifact_may_have(run: localart.Run, key: str, entry: str) -> None:
    run.log({key: Table(columns=["a"], data=[[1]])})

    (version,) = run.logged_artifacts()
    assert [one.path for one in version.manifest] == [f"{entry}.table.json"]
    assert len(version.name) <= 128 + 3


def test_keys_that_look_alike_make_artifacts_of_their_own(run: localart.Run) -> None:
    run.log({"a b": Table(columns=["a"], data=[[1]]), "ab": Table(columns=["a"], data=[[2]])})

    assert len({artifact.source_name for artifact in run.logged_artifacts()}) == 2


def test_a_table_is_logged_once_unless_it_may_change(run: localart.Run) -> None:
    fixed = Table(columns=["a"], data=[[1]])
    changing = Table(columns=["a"], data=[[1]], log_mode="MUTABLE")

    for _ in range(2):
        run.log({"fixed": fixed, "changing": changing})
        run.log({"fixed": fixed, "changing": changing})
        fixed.add_data(2)
        changing.add_data(2)

    rows = rows_of(run)
    assert [row["fixed"]["nrows"] for row in rows] == [1, 1, 1, 1]
    assert [row["changing"]["nrows"] for row in rows] == [1, 1, 2, 2]
    assert sorted(versions_of(run)) == [
        f"run-{run.id}-changing:v0", f"run-{run.id}-changing:v1", f"run-{run.id}-fixed:v0",
    ]  # fmt: skip
    latest = run.use_artifact(f"run-{run.id}-changing:latest")
    assert latest.get("changing").data == [[1], [2]]


def test_a_change_that_is_not_logged_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LOCALART_SILENT")
    table = Table(columns=["a"], data=[[1]])

    with localart.init(project="demo") as run:
        run.log({"t": table})
        run.log({"t": table})
        table.add_data(2)
        run.log({"t": table})

    said = capsys.readouterr().err
    assert said.count("changed after it was logged") == 1
    assert "MUTABLE" in said


def test_a_table_may_be_logged_to_several_runs() -> None:
    table = Table(columns=["a"], data=[[1]])

    for _ in range(2):
        with localart.init(project="demo") as run:
            run.log({"t": table})
            assert versions_of(run) == [f"run-{run.id}-t:v0"]


def test_an_incremental_table_is_logged_part_by_part(run: localart.Run) -> None:
    table = Table(columns=["n", "i"], log_mode="INCREMENTAL")

    for number in range(3):
        table.add_data(number, picture(number))
        table.add_data(number + 10, picture(number))
        run.log({"val/t": table})
    run.log({"val/t": table})

    rows = rows_of(run)
    records = [row["val/t"] for row in rows]
    (name,) = {version.source_name.partition(":")[0] for version in run.logged_artifacts()}
    latest = run.use_artifact(f"{name}:latest")
    assert [record["increment_num"] for record in records] == [0, 1, 2, 2]
    assert [len(record["previous_increments_paths"]) for record in records] == [0, 1, 2, 2]
    assert {record["_type"] for record in records} == {"incremental-table-file"}
    assert (latest.type, latest.version) == ("wandb-run-incremental-table", "v2")
    parts = sorted(entry.path for entry in latest.manifest if entry.path.endswith(".table.json"))
    assert [path.partition("-")[0] for path in parts] == ["0", "1", "2"]
    again = latest.get(parts[-1])
    assert [row[0] for row in again.data] == [0, 10, 1, 11, 2, 12]
    assert again.data[5][1] == picture(2)
    assert json.loads(kept(run, records[2]["path"]))["data"] == [[2, "Image"], [12, "Image"]]


def test_a_resumed_run_goes_on_with_an_incremental_table() -> None:
    with localart.init(project="demo", id="again") as first:
        first.log({"t": Table(columns=["n"], data=[[1]], log_mode="INCREMENTAL")})
    with localart.init(project="demo", id="again", resume="must") as second:
        second.log({"t": Table(columns=["n"], data=[[2]], log_mode="INCREMENTAL")})
        latest = second.use_artifact("run-again-incr-t:latest")

    paths = [entry.path for entry in latest.manifest]
    assert len(paths) == 2
    assert latest.get(paths[0]).data == [[1], [2]]


def test_an_incremental_table_belongs_to_one_run() -> None:
    table = Table(columns=["n"], data=[[1]], log_mode="INCREMENTAL")
    with localart.init(project="demo") as run:
        run.log({"t": table})

    with localart.init(project="demo") as run, pytest.raises(UsageError, match="one run"):
        run.log({"t": table})


def test_a_joined_table_is_only_an_artifact(run: localart.Run) -> None:
    joined = JoinedTable(Table(columns=["k"], data=[["a"]]), Table(columns=["k"], data=[["a"]]), "k")

    run.log({"j": joined})

    (row,) = rows_of(run)
    (version,) = run.logged_artifacts()
    assert row["j"]["_type"] == "joined-table"
    assert row["j"]["artifact_path"].endswith(f"{version.source_name}/j.joined-table.json")
    assert version.get("j") == joined


def test_tables_in_a_list_are_each_logged(run: localart.Run) -> None:
    run.log({"t": [Table(columns=["a"], data=[[1]]), Table(columns=["a"], data=[[2]])]})

    (row,) = rows_of(run)
    assert [record["_type"] for record in row["t"]] == ["table-file", "table-file"]
    assert versions_of(run) == [f"run-{run.id}-t:v0", f"run-{run.id}-t:v1"]


def test_equal_pictures_in_many_tables_are_stored_once(run: localart.Run) -> None:
    for number in range(3):
        run.log({"t": Table(columns=["n", "i"], data=[[number, picture(9)]] * 20)})

    digests = {
        entry.digest
        for version in run.logged_artifacts()
        for entry in version.manifest
        if entry.path.startswith("media/images/")
    }
    assert len(digests) == 1


def test_a_disabled_run_takes_media_and_keeps_nothing() -> None:
    with localart.init(project="demo", mode="disabled") as run:
        run.log({"t": Table(columns=["a"], data=[[1]]), "i": picture(1)})


def test_what_was_logged_survives_the_death_of_the_process() -> None:
    code = (
        "import os, signal, localart\n"
        "from localart.media import Image, Table\n"
        "run = localart.init(project='demo', id='killed')\n"
        "picture = Image([[0, 255]], caption='x')\n"
        "run.log({'t': Table(columns=['n', 'i'], data=[[1, picture]]), 'i': [picture]})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)

    with localart.init(project="demo") as run:
        table = run.use_artifact("run-killed-t:latest").get("t")
    (row,) = localart.Api().run("demo/killed").scan_history()

    assert done.returncode == -signal.SIGKILL
    assert table == Table(columns=["n", "i"], data=[[1, Image([[0, 255]], caption="x")]])
    assert localart.Api().run("demo/killed").read_file(row["i"]["filenames"][0]) == Image([[0, 255]]).data
