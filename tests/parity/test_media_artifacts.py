"""Media in artifacts: added under a name, kept as files, and read back equal from the logged version."""

import io

import numpy as np
import pytest

import localart
from localart.errors import InvalidMetadata
from localart.media.audio import Audio
from localart.media.classes import Classes
from localart.media.histogram import Histogram
from localart.media.html import Html
from localart.media.image import Image
from localart.media.joined import JoinedTable, PartitionedTable
from localart.media.masks import ImageMask
from localart.media.molecule import Molecule
from localart.media.object3d import Object3D
from localart.media.table import Table
from localart.media.video import Video


def picture(value: int, **more: object) -> Image:
    return Image(np.full((2, 3), value, dtype=np.uint8), **more)  # type: ignore[arg-type]


def paths(artifact: localart.Artifact) -> list[str]:
    return [entry.path for entry in artifact.manifest]


BOX = {"position": {"minX": 0, "maxX": 1, "minY": 0, "maxY": 1}, "class_id": 1, "scores": {"sure": 0.5}}
EVERY = {
    "image": lambda: picture(1, caption="x"),
    "annotated image": lambda: picture(
        1,
        boxes={"p": {"box_data": [BOX], "class_labels": {1: "cat"}}},
        masks={"m": {"mask_data": np.eye(3, dtype=int)}},
        classes=[{"id": 7, "name": "sky"}],
    ),
    "mask": lambda: ImageMask({"mask_data": [[0, 1]], "class_labels": {}}),
    "table": lambda: Table(columns=["a", "i"], data=[[1, picture(1)], [None, picture(2)]]),
    "array table": lambda: Table(columns=["a"], data=[[np.eye(3)], [np.ones((3, 3))]]),
    "joined": lambda: JoinedTable(
        Table(columns=["k"], data=[["a"]]), Table(columns=["k"], data=[["b"]]), "k"
    ),
    "partitioned": lambda: PartitionedTable("parts"),
    "classes": lambda: Classes([{"id": 0, "name": "cat"}, {"id": "x", "name": "dog", "color": "#fff"}]),
    "histogram": lambda: Histogram([1, 2, 3]),
    "html": lambda: Html("<p>"),
    "audio": lambda: Audio([0.0], sample_rate=1, caption="c"),
    "video": lambda: Video(np.zeros((2, 1, 4, 4), np.uint8), format="gif"),
    "object3d": lambda: Object3D(np.eye(3)),
    "model": lambda: Object3D(io.StringIO("solid"), file_type="stl"),
    "molecule": lambda: Molecule(io.StringIO("ATOM"), file_type="pdb"),
}


@pytest.mark.parametrize("name", EVERY)
def test_every_kind_is_read_back_equal(run: localart.Run, name: str) -> None:
    media = EVERY[name]()
    artifact = localart.Artifact("objects", type="dataset")
    entry = artifact.add(media, "folder/one")
    run.log_artifact(artifact)

    again = localart.Api().artifact("demo/objects:latest")

    assert entry.path == f"folder/one.{media.kind}.json"
    assert again.get("folder/one") == media
    assert again.get(entry.path) == media
    assert again["folder/one"] == media


@pytest.mark.parametrize("name", EVERY)
def test_the_same_object_again_makes_the_same_version(run: localart.Run, name: str) -> None:
    for _ in range(2):
        artifact = localart.Artifact("objects", type="dataset")
        artifact.add(EVERY[name](), "one")
        run.log_artifact(artifact)

    assert artifact.version == "v0"


def test_what_was_read_back_can_be_added_to_another_artifact(run: localart.Run) -> None:
    for name, make in EVERY.items():
        first = localart.Artifact("first", type="dataset")
        first.add(make(), name.replace(" ", "-"))
        run.log_artifact(first)

    second = localart.Artifact("second", type="dataset")
    image = run.use_artifact("first:v1").get("annotated-image")
    second.add(image, "again")
    run.log_artifact(second)

    assert second.get("again") == image


def test_an_existing_name_stays_unless_it_is_overwritten() -> None:
    artifact = localart.Artifact("objects", type="dataset")
    first = artifact.add(Html("one"), "page")

    assert artifact.add(Html("two"), "page").digest == first.digest
    assert artifact.add(Html("two"), "page", overwrite=True).digest != first.digest
    assert paths(artifact).count("page.html-file.json") == 1


def test_a_table_shares_its_pictures_with_the_rest_of_the_artifact() -> None:
    artifact = localart.Artifact("objects", type="dataset")
    artifact.add(Table(columns=["i"], data=[[picture(1)], [picture(1)], [picture(2)]]), "t")
    artifact.add(picture(1), "one")

    assert len([path for path in paths(artifact) if path.startswith("media/images/")]) == 2


def test_a_table_in_parts_lies_below_a_folder(run: localart.Run) -> None:
    artifact = localart.Artifact("objects", type="dataset")
    for number in range(2):
        artifact.add(Table(columns=["n", "i"], data=[[number, picture(number)]]), f"parts/{number}")
    artifact.add(PartitionedTable("parts"), "whole")
    run.log_artifact(artifact)

    rows = list(artifact.get("whole").iterrows())

    assert rows == [(0, [0, picture(0)]), (1, [1, picture(1)])]


def test_joined_tables_may_be_named_by_their_entries(run: localart.Run) -> None:
    artifact = localart.Artifact("objects", type="dataset")
    one = artifact.add(Table(columns=["k"], data=[["a"]]), "one")
    artifact.add(Table(columns=["k"], data=[["b"]]), "two")
    artifact.add(JoinedTable(one, "two.table.json", "k"), "both")
    run.log_artifact(artifact)

    joined = artifact.get("both")

    assert (joined.table1.data, joined.table2.data) == ([["a"]], [["b"]])


def test_a_table_that_cannot_be_stored_adds_nothing() -> None:
    artifact = localart.Artifact("objects", type="dataset")
    endless = Table(columns=["t"], allow_mixed_types=True)
    endless.add_data(endless)
    unwritable = [1 << 5000, "\ud800", [{"a": "\ud800"}]]
    tables = [Table(columns=["i", "x"], data=[[picture(1), cell]]) for cell in unwritable]

    for table in (endless, *tables):
        with pytest.raises(InvalidMetadata):
            artifact.add(table, "t")
    assert paths(artifact) == []


def test_to_json_describes_and_adds_the_files_to_an_artifact() -> None:
    artifact = localart.Artifact("objects", type="dataset")
    image = picture(1, caption="seen")

    record = image.to_json(artifact)

    assert (record["_type"], record["caption"], record["width"]) == ("image-file", "seen", 3)
    assert paths(artifact) == [record["path"]]
    assert Table(columns=["a"], data=[[1]]).to_json(artifact)["data"] == [[1]]
    assert image.to_json()["caption"] == "seen"


def test_get_is_none_for_plain_files_and_missing_names(run: localart.Run) -> None:
    artifact = localart.Artifact("objects", type="dataset")
    with artifact.new_file("plain.txt") as file:
        file.write("x")
    run.log_artifact(artifact)

    assert artifact.get("plain.txt") is None
    assert artifact.get("none") is None


@pytest.mark.parametrize(
    "content",
    ['{"_type": "image-file", "path": "../../outside.png"}', '{"_type": "image-file", "path": "/etc/passwd"}',
     "{", "[]", '{"_type": "table"}'],
)  # fmt: skip
def test_a_forged_record_is_refused_when_it_is_read(run: localart.Run, content: str) -> None:
    artifact = localart.Artifact("objects", type="dataset")
    with artifact.new_file("a.image-file.json") as file:
        file.write(content)
    run.log_artifact(artifact)

    with pytest.raises(ValueError, match=r"\w"):
        artifact.get("a")


def test_a_table_of_two_hundred_thousand_rows_is_the_most(
    run: localart.Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Table, "MAX_ARTIFACT_ROWS", 100)
    artifact = localart.Artifact("objects", type="dataset")

    artifact.add(Table(columns=["a"], data=[[number] for number in range(101)]), "t")
    run.log_artifact(artifact)

    assert len(artifact.get("t").data) == 100
    assert "101 rows" in caplog.text
