"""`localart://` addresses, read by whoever speaks fsspec."""

import random

import pytest

import localart
from localart.repository.opening import close_all

fsspec = pytest.importorskip("fsspec")

from localart.fs import LocalartFileSystem  # noqa: E402

TABLE = b"a,b\n" + b"".join(b"%d,%d\n" % (number, number * number) for number in range(2000))
LARGE = random.Random(1).randbytes(2_000_000)
FILES = {
    "train.csv": TABLE,
    "data/part-0.bin": LARGE,
    "data/part-1.bin": b"1",
    "data-extra/x.csv": b"x\n1\n",
    "data/deep/er/y.csv": b"y\n2\n",
    "empty": b"",
}


@pytest.fixture
def fs():
    for number in range(2):
        with localart.init(project="p") as run:
            artifact = localart.Artifact("ds", type="dataset")
            for path, content in FILES.items():
                with artifact.new_file(path, "wb") as file:
                    file.write(content if number else content[:5])
            run.log_artifact(artifact, aliases=["best"] if number else [])
    close_all()
    return LocalartFileSystem()


def test_it_is_found_by_its_protocol(fs):
    assert type(fsspec.filesystem("localart")) is LocalartFileSystem
    with fsspec.open("localart://p/ds:best/train.csv") as file:
        assert file.read() == TABLE


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ["p"]),
        ("localart://", ["p"]),
        ("p", ["p/ds"]),
        ("p/ds:v1", ["data", "data-extra", "empty", "train.csv"]),
        ("p/ds", ["data", "data-extra", "empty", "train.csv"]),
        ("ds:latest/", ["data", "data-extra", "empty", "train.csv"]),
        ("localart://p/ds:best/data", ["deep", "part-0.bin", "part-1.bin"]),
        ("p/ds:best/train.csv", []),
    ],
)
def test_folders_are_listed(fs, path, names):
    plain = path.removeprefix("localart://").strip("/")
    inside = [f"{plain}/{name}" if plain and "/" not in name else name for name in names]

    assert sorted(fs.ls(path, detail=False)) == sorted(inside or [plain])


def test_files_are_found_by_pattern_and_walked(fs):
    assert sorted(fs.glob("p/ds:v1/**/*.csv")) == [
        "p/ds:v1/data-extra/x.csv",
        "p/ds:v1/data/deep/er/y.csv",
        "p/ds:v1/train.csv",
    ]
    assert sorted(fs.find("p/ds:v1")) == sorted(f"p/ds:v1/{path}" for path in FILES)
    assert fs.du("p/ds:v1") == sum(map(len, FILES.values()))


def test_what_is_there_is_known(fs):
    facts = fs.info("localart://p/ds:v1/data/part-0.bin")

    assert (facts["size"], facts["type"]) == (len(LARGE), "file")
    assert fs.isdir("p/ds:v1/data")
    assert fs.isfile("p/ds:v1/empty")
    assert not fs.exists("p/ds:v1/dat")
    assert not fs.exists("p/other:v1/x")
    assert not fs.exists("p/ds:v7/train.csv")
    assert fs.ukey("p/ds:v1/train.csv") == fs.ukey("p/ds:latest/train.csv") != fs.ukey("p/ds:v0/train.csv")
    assert fs.modified("p/ds:v1/empty") > fs.modified("p/ds:v0/empty")


def test_ranges_and_whole_files_are_read(fs, tmp_path):
    assert fs.cat_file("p/ds:v1/data/part-0.bin", 1_000_000, 1_000_010) == LARGE[1_000_000:1_000_010]
    assert fs.cat_file("p/ds:v1/data/part-0.bin", -10, None) == LARGE[-10:]
    assert fs.cat_file("p/ds:v1/data/part-0.bin", 10, 5) == b""
    assert fs.cat("p/ds:v1/empty") == b""
    fs.get("p/ds:v1/data", str(tmp_path / "out"), recursive=True)
    assert (tmp_path / "out/part-0.bin").read_bytes() == LARGE
    with fs.open("p/ds:v1/train.csv", "rt") as text:
        assert text.readline() == "a,b\n"


@pytest.mark.parametrize(
    "path", ["p/ds:v1/no", "p/ds:v1", "p", "", "p/no:v1/x", "p/ds:v1/data", "no such/x:y/z"]
)
def test_what_is_no_file_cannot_be_opened(fs, path):
    with pytest.raises(FileNotFoundError):
        fs.open(path)


@pytest.mark.parametrize("mode", ["wb", "ab", "xb", "r+b"])
def test_nothing_can_be_written(fs, mode):
    with pytest.raises(OSError, match="versions never change"):
        fs.open("p/ds:v1/train.csv", mode)


def test_a_reference_says_where_its_bytes_are(fs, tmp_path):
    with localart.init(project="p") as run:
        artifact = localart.Artifact("elsewhere", type="dataset")
        artifact.add_reference("https://example.org/x.bin", name="x.bin")
        run.log_artifact(artifact)

    with pytest.raises(OSError, match=r"https://example\.org/x\.bin"):
        fs.open("p/elsewhere:latest/x.bin")


def test_pandas_reads_from_the_store(fs):
    pandas = pytest.importorskip("pandas")

    frame = pandas.read_csv("localart://p/ds:best/train.csv")

    assert list(frame["b"]) == [number * number for number in range(2000)]


@pytest.fixture
def parquet(tmp_path):
    """A table of 1,000 squares at `t.parquet` and in a folder of two parts; its file system."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"a": range(1000), "b": [number * number for number in range(1000)]})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=100)
    with localart.init(project="p") as run:
        artifact = localart.Artifact("tables", type="dataset")
        for path in ("t.parquet", "parts/x=1/t.parquet", "parts/x=2/t.parquet"):
            artifact.add_file(str(tmp_path / "t.parquet"), path)
        run.log_artifact(artifact)
    return LocalartFileSystem()


def test_pandas_reads_parquet(parquet):
    pandas = pytest.importorskip("pandas")

    assert pandas.read_parquet("localart://p/tables:latest/t.parquet")["b"].sum() == 332_833_500


def test_polars_reads_and_scans_an_open_file(parquet):
    polars = pytest.importorskip("polars")

    assert len(polars.read_parquet(parquet.open("p/tables:latest/t.parquet"))) == 1000
    scanned = polars.scan_parquet(parquet.open("p/tables:latest/t.parquet"))
    assert len(scanned.filter(polars.col("a") > 5).collect()) == 994


def test_pyarrow_reads_a_file_and_a_folder_of_parts(parquet):
    dataset = pytest.importorskip("pyarrow.dataset")
    reader = pytest.importorskip("pyarrow.parquet")

    assert reader.read_table("p/tables:latest/t.parquet", filesystem=parquet).num_rows == 1000
    parts = dataset.dataset(
        "p/tables:latest/parts", filesystem=parquet, format="parquet", partitioning="hive"
    )
    assert parts.to_table().group_by("x").aggregate([("a", "count")]).num_rows == 2


def test_torch_loads_an_open_file(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"w": torch.arange(10)}, tmp_path / "m.pt")
    with localart.init(project="p") as run:
        artifact = localart.Artifact("cnn", type="model")
        artifact.add_file(str(tmp_path / "m.pt"))
        run.log_artifact(artifact)

    with LocalartFileSystem().open("p/cnn:latest/m.pt") as file:
        assert torch.load(file, weights_only=True)["w"].sum() == 45


def test_another_store_and_a_missing_one(fs, tmp_path, store):
    assert LocalartFileSystem(store=str(store)).ls("", detail=False) == ["p"]
    with pytest.raises(FileNotFoundError):
        LocalartFileSystem(store=str(tmp_path / "none")).ls("")
