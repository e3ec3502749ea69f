"""Media made of other packages' objects; each test needs its package and is skipped without it."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import localart
from localart.errors import NotLocalError
from localart.media.attach import load
from localart.media.base import EntryReader
from localart.media.convert import as_media
from localart.media.image import Image
from localart.media.molecule import Molecule
from localart.media.object3d import box3d
from localart.media.plotly import Plotly
from localart.media.table import Table
from localart.media.video import Video


def package(name: str):
    """The package, imported without letting its own warnings fail the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


def logged_row(run: localart.Run) -> dict:
    (row,) = localart.Api().run(run.path).scan_history()
    return row


@pytest.fixture
def figure():
    package("matplotlib").use("Agg")
    pyplot = package("matplotlib.pyplot")
    made, axes = pyplot.subplots(figsize=(2, 1), dpi=50)
    axes.plot([1, 2, 3])
    yield made
    pyplot.close("all")


def test_figures_of_matplotlib_are_logged_as_images(run: localart.Run, figure) -> None:
    from matplotlib import pyplot as plt

    run.log({"figure": figure, "axes": figure.axes[0], "pyplot": plt, "image": Image(figure)})

    row = logged_row(run)
    assert {
        (row[key]["_type"], row[key]["width"], row[key]["height"]) for key in ("figure", "axes", "pyplot")
    } == {("image-file", 100, 50)}
    assert row["figure"]["sha256"] == row["image"]["sha256"]


def test_equal_figures_are_equal_files(figure) -> None:
    assert Image(figure) == Image(figure)
    assert Plotly.make_plot_media(figure) == Image(figure)


def test_figures_of_plotly_are_logged_as_their_json(run: localart.Run) -> None:
    graph = package("plotly.graph_objects")
    figure = graph.Figure(graph.Scatter(x=np.arange(3), y=[1.0, float("nan"), 2.0]), layout={"title": "é"})

    run.log({"f": figure})

    row = logged_row(run)
    kept = localart.Api().run(run.path).read_file(row["f"]["path"])
    assert row["f"]["_type"] == "plotly-file"
    assert row["f"]["path"].startswith("media/plotly/f_0_0_")
    again = graph.Figure(Plotly(figure).figure)
    assert (list(again.data[0].y), again.layout.title.text) == ([1, None, 2], "é")
    assert Plotly(figure).data == kept
    assert Plotly.make_plot_media(figure) == Plotly(figure)


def test_plots_of_bokeh_are_refused_with_a_way_out() -> None:
    Plot = type("Plot", (), {"__module__": "bokeh.plotting"})

    with pytest.raises(NotLocalError, match="Html"):
        as_media(Plot())


def test_frames_of_pandas_become_tables(run: localart.Run) -> None:
    pandas = package("pandas")
    frame = pandas.DataFrame(
        {
            "whole": [1, 2],
            "text": ["a", None],
            "real": [0.5, float("nan")],
            "flag": [True, False],
            "when": pandas.to_datetime(["2024-01-02 03:04:05", None]),
            "kind": pandas.Categorical(["x", "y"]),
            "gap": pandas.array([1, None], dtype="Int64"),
            "list": [[1], [2, 3]],
        },
        index=[7, 8],
    )

    table = Table(dataframe=frame)
    run.log({"t": frame})

    assert Table(data=frame) == table
    assert table.columns == list(frame.columns)
    (version,) = run.logged_artifacts()
    again = version.get("t")
    assert again == table
    assert [again.data[0][again.columns.index(name)] for name in ("whole", "text", "kind", "gap")] == [
        1,
        "a",
        "x",
        1,
    ]
    assert again.data[1][2] is None
    assert again.data[0][4].isoformat() == "2024-01-02T03:04:05+00:00"
    assert again.data[1][4] is None


def test_a_table_becomes_a_frame_of_pandas() -> None:
    pandas = package("pandas")
    frame = Table(columns=["a", 2], data=[[1, "x"], [None, "y"]]).get_dataframe()

    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["a", 2]
    assert frame[2].tolist() == ["x", "y"]
    assert frame["a"].isna().tolist() == [False, True]
    for wrong in (pandas.DataFrame([[1, 2]], columns=["a", "a"]), pandas.DataFrame([[1]], columns=[(1, 2)])):
        with pytest.raises((TypeError, ValueError)):
            Table(dataframe=wrong)


def test_frames_of_polars_become_tables(run: localart.Run) -> None:
    polars = package("polars")
    frame = polars.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [[1, 2], [3]]})

    run.log({"t": frame})

    assert Table(dataframe=frame).data == [[1, "x", [1, 2]], [None, "y", [3]]]
    assert run.logged_artifacts()[0].get("t") == Table(dataframe=frame)


@pytest.mark.parametrize("ending", ["mp4", "webm"])
@pytest.mark.parametrize("channels", [1, 3])
def test_frames_become_a_film(ending: str, channels: int) -> None:
    package("moviepy.video.io.ImageSequenceClip")
    frames = np.random.default_rng(1).integers(0, 255, (4, channels, 32, 48), dtype=np.uint8)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        video = Video(frames, format=ending, fps=4)

    start = {"mp4": b"ftyp", "webm": b"\x1a\x45\xdf\xa3"}[ending]
    assert start in video.data[:16]
    assert video.suffix == f".{ending}"
    assert video.describe() == {"width": 48, "height": 32}


def test_rdkit_makes_molecules(tmp_path) -> None:
    chem = package("rdkit.Chem")
    ethanol = chem.MolFromSmiles("CCO")
    chem.MolToMolFile(ethanol, str(tmp_path / "a.mol"))
    with chem.SDWriter(str(tmp_path / "a.sdf")) as writer:
        writer.write(ethanol)
        writer.write(chem.MolFromSmiles("C"))

    flat = Molecule.from_rdkit(ethanol, caption="x", convert_to_3d_and_optimize=False)

    assert (flat.suffix, flat.caption, flat.data.count(b"HETATM")) == (".pdb", "x", 3)
    assert Molecule.from_smiles("CCO").data.count(b"HETATM") == 9
    for name in ("a.mol", "a.sdf"):
        read = Molecule.from_rdkit(str(tmp_path / name), convert_to_3d_and_optimize=False)
        assert read.data.count(b"HETATM") == 3
    (tmp_path / "broken.mol").write_text("nothing")
    for wrong in (lambda: Molecule.from_smiles("not a molecule"), lambda: Molecule.from_rdkit(tmp_path / "a.pdb"),
                  lambda: Molecule.from_rdkit(tmp_path / "broken.mol")):  # fmt: skip
        with pytest.raises(ValueError, match=r"\w"):
            wrong()
    with pytest.raises(TypeError, match="Mol"):
        Molecule.from_rdkit(5)


# --- the real client reads and writes the same records ------------------------------------------------


class Content:
    """What the real client asks of the artifact it reads from."""

    aliases = ("latest",)

    def __init__(self, artifact: localart.Artifact) -> None:
        self.artifact = artifact

    def get_entry(self, path: str):
        return self.artifact.get_entry(path)

    def record(self, path: str) -> dict:
        return json.loads(Path(self.get_entry(path).download()).read_text())

    def get(self, path: str):
        wandb = package("wandb")
        record = self.record(path)
        kinds = {"table": wandb.Table, "classes": wandb.Classes}
        return kinds[record["_type"]].from_json(record, self)


def sample_table(module, image):
    box = {"position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1}, "class_id": 1, "scores": {"s": 0.5}}
    picture = image(
        np.full((4, 6, 3), 7, np.uint8),
        caption="c",
        boxes={"p": {"box_data": [box], "class_labels": {1: "cat"}}},
        masks={"m": {"mask_data": np.zeros((4, 6), np.uint8), "class_labels": {0: "sky"}}},
    )
    table = module.Table(columns=["n", "s", "i", "arr", "emb", "d", "l", "h", "x"])
    table.add_data(
        1,
        "é",
        picture,
        np.arange(6.0).reshape(2, 3),
        np.arange(3),
        {"a": 1},
        [1, 2],
        module.Html("<p>"),
        None,
    )
    table.add_data(2.5, None, image(np.zeros((4, 6, 3), np.uint8)), np.ones((2, 3)), np.zeros(3), {"a": 2}, [3, 4],
                   module.Html("<b>"), None)  # fmt: skip
    return table


@pytest.mark.parametrize("orientation", [[1, 2, 3, 4], [0, 0, 1, 1], [-1, 0.5, 0, 2]], ids=str)
def test_boxes_are_those_of_the_real_client(orientation: list[float]) -> None:
    wandb = package("wandb")
    arguments = {
        "center": [1, 2, 3],
        "size": [4, 5, 6],
        "orientation": np.abs(orientation),
        "color": (1, 0, 0),
    }

    assert np.allclose(box3d(**arguments)["corners"], wandb.box3d(**arguments)["corners"])


def test_the_real_client_reads_what_is_stored_here(run: localart.Run, tmp_path, monkeypatch) -> None:
    wandb = package("wandb")
    artifact = localart.Artifact("objects", type="dataset")
    artifact.add(sample_table(localart, Image), "t")
    run.log_artifact(artifact)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = wandb.Table.from_json(Content(artifact).record("t.table.json"), Content(artifact))

    assert table.columns == ["n", "s", "i", "arr", "emb", "d", "l", "h", "x"]
    assert [row[:2] for row in table.data] == [[1, "é"], [2.5, None]]
    assert (table.data[0][3] == np.arange(6.0).reshape(2, 3)).all()
    assert table.data[0][4] == [0, 1, 2]
    assert np.asarray(table.data[0][2].image).tolist() == np.full((4, 6, 3), 7).tolist()
    assert table.data[0][2]._boxes["p"]._val[0]["class_id"] == 1
    assert table.data[1][7].html.endswith("<b>")


def test_what_the_real_client_stores_is_read_here(tmp_path) -> None:
    wandb = package("wandb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = wandb.Artifact("objects", type="dataset")
        theirs.add(sample_table(wandb, wandb.Image), "t")
        linked = wandb.Table(columns=["k"], data=[["é"]])
        keys = wandb.Table(columns=["fk"], data=[["é"]])
        keys.set_fk("fk", linked, "k")
        theirs.add(keys, "keys")
        theirs.add(wandb.JoinedTable(linked, keys, "k"), "joined")
    files = {path: entry.local_path for path, entry in theirs.manifest.entries.items()}

    def read(path: str) -> bytes:
        with open(files[path], "rb") as file:
            return file.read()

    def load_from_theirs(name: str):
        return load(EntryReader(read=read, paths=lambda: list(files)), name)

    table = load_from_theirs("t")
    ours = sample_table(localart, Image)
    assert [row[:2] for row in table.data] == [[1, "é"], [2.5, None]]
    assert table.data[0][2].caption == "c"
    assert table.data[0][2].annotations.classes.names == {0: "sky", 1: "cat"}
    assert (np.asarray(table.data[0][2].image) == 7).all()
    assert (table.data[0][3] == ours.data[0][3]).all()
    assert table.data[1][5:7] == [{"a": 2}, [3, 4]]
    assert load_from_theirs("keys").data[0][0].table.data == [["é"]]
    assert load_from_theirs("joined").table2 == load_from_theirs("keys")
