"""What each kind of file shows of itself."""

import io
import json
import pickle
import struct
import sys
import zipfile
import zlib

import pytest
from preview_files import VALID, Exploit, npy, png, safetensors, wav, zipped

from localart.errors import BlobDamaged
from localart_tui.previews.opening import open_preview
from localart_tui.previews.record import (
    Facts,
    HexDump,
    Note,
    Picture,
    Preview,
    Table,
    TextLines,
    Tree,
    Waveform,
    Weight,
)
from localart_tui.previews.source import BytesInMemory


def preview(path: str, content: bytes | None = None) -> Preview:
    return open_preview(BytesInMemory(VALID[path] if content is None else content), path)


def only(found: Preview, kind: type):
    (section,) = [section for section in found.sections if isinstance(section, kind)]
    return section


def notes(found: Preview) -> str:
    return " / ".join(section.text for section in found.sections if isinstance(section, Note))


def facts(found: Preview) -> dict[str, str]:
    return {
        key: value for section in found.sections if isinstance(section, Facts) for key, value in section.rows
    }


KINDS = {
    "a.txt": "text", "a.py": "python", "a.json": "JSON", "a.jsonl": "JSON lines", "a.csv": "CSV table",
    "a.tsv": "TSV table", "a.table.json": "W&B table", "a.npy": "NumPy array", "a.npz": "NumPy archive",
    "a.safetensors": "safetensors", "a.pkl": "pickle", "old.pkl": "pickle", "a.zip": "ZIP archive",
    "a.gguf": "GGUF model", "a.onnx": "ONNX model", "a.h5": "HDF5 file", "a.wav": "WAV sound", "a.png": "png picture",
    "a.gif": "gif picture", "a.bin": "binary file",
}  # fmt: skip


@pytest.mark.parametrize("path", KINDS)
def test_each_kind_is_known_by_its_first_bytes_or_its_name(path):
    found = preview(path)

    assert found.kind == KINDS[path]
    assert not any(
        isinstance(section, Note) and section.weight is Weight.WARNING for section in found.sections
    )


def test_an_array_tells_its_type_shape_and_values():
    found = preview("a.npy")

    assert facts(found)["dtype"] == "float32"
    assert facts(found)["shape"] == "[3, 4]"
    assert facts(found)["values from"] == "0 to 11"
    assert only(found, TextLines).lines[0].split() == ["0", "1", "2", "3"]


def test_an_array_of_objects_is_never_loaded():
    found = preview("x.npy", npy("|O", (1,), pickle.dumps([Exploit()])))

    assert "not loaded" in notes(found)
    assert not any(isinstance(section, TextLines) for section in found.sections)


def test_big_endian_structured_and_string_arrays_are_described():
    assert facts(preview("x.npy", npy(">i2", (2,), struct.pack(">2h", 1, 300))))["values from"] == "1 to 300"
    structured = npy([("a", "<f4"), ("b", "<i8")], (1,), bytes(12))  # type: ignore[arg-type]
    assert "('a', '<f4')" in facts(preview("x.npy", structured))["dtype"]
    assert facts(preview("x.npy", npy("<U8", (1,), bytes(32))))["dtype"] == "<U8"


def test_an_archive_of_arrays_lists_each():
    table = next(section for section in preview("a.npz").sections if isinstance(section, Table))

    assert table.rows == (("x", "float32", "[3, 4]", "176"), ("y", "int64", "[2]", "144"))


def test_tensors_are_listed_from_the_header_alone():
    found = preview("a.safetensors")

    assert only(found, Table).rows == (("weight", "F32", "[2, 3]", "24"),)
    assert facts(found) == {"tensors": "1", "format": "pt"}


def test_json_is_a_tree_in_order():
    lines = only(preview("a.json"), Tree).lines

    assert [(line.depth, line.key, line.value) for line in lines] == [
        (0, "", "{2 items}"),
        (1, "a", "[4 items]"),
        (2, "0", "1"),
        (2, "1", "2.5"),
        (2, "2", ""),
        (2, "3", "{1 items}"),
        (3, "b", "x"),
        (1, "c", "true"),
    ]


def test_a_logged_table_shows_media_by_their_path():
    assert only(preview("a.table.json"), Table).rows == (("1", "a"), ("2", "m.png"))


def test_csv_cells_may_hold_the_delimiter():
    table = only(preview("a.csv"), Table)

    assert table.columns == ("name", "size")
    assert table.rows == (("a, b", "1"), ("c", "2.5"))
    assert table.numeric == {1}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_csv_is_guessed(delimiter):
    content = "\n".join(delimiter.join(["a", "b", "c"]) for _ in range(5)).encode()

    assert only(preview("x.csv", content), Table).columns == ("a", "b", "c")


def test_a_csv_without_a_header_numbers_its_columns():
    assert only(preview("x.csv", b"1,2\n3,4\n"), Table).columns == ("1", "2")


def test_a_sound_shows_its_length_and_loudness():
    for bits, channels in ((8, 1), (16, 2), (24, 1), (32, 2)):
        found = preview("x.wav", wav(bits, channels))
        shape = only(found, Waveform)
        assert len(shape.lows) == 200
        assert all(-1 <= low <= high <= 1 for low, high in zip(shape.lows, shape.highs, strict=True))
        assert f"{bits} bits, {channels} channels, 8,000 Hz" in facts(found)["format"]


def test_a_picture_is_drawn_no_larger_than_needed():
    pytest.importorskip("PIL")
    found = preview("x.png", png(1000, 10))

    assert facts(found)["size"] == "1,000 × 10 pixels"
    assert only(found, Picture).pixels.width == 640


def test_a_gguf_model_tells_its_facts_and_tensors():
    found = preview("a.gguf")

    assert facts(found) == {
        "version": "3",
        "tensors": "1",
        "general.name": "tiny",
        "tokens": "[2 values]",
        "layers": "12",
    }
    assert only(found, Table).rows == (("output.weight", "F16", "[32, 64]"),)


def test_an_onnx_model_tells_its_operators_and_weights():
    found = preview("a.onnx")

    assert facts(found)["producer"] == "pytorch"
    assert facts(found)["inputs"] == "image"
    operators, weights = [section for section in found.sections if isinstance(section, Table)]
    assert operators.rows == (("Gemm", "2"),)
    assert weights.rows == (("fc.weight", "float32", "[64, 10]"),)


# --- pickles ---------------------------------------------------------------------------------------


def test_a_pickle_that_would_run_a_command_is_flagged_and_not_run(workdir):
    found = preview("evil.pkl")

    (danger,) = [
        section for section in found.sections if isinstance(section, Note) and section.weight is Weight.DANGER
    ]
    assert "system" in danger.text
    assert only(found, Table).rows[0][0] == "dangerous!"
    assert not (workdir / "pwned").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_shows_the_same_values(protocol):
    content = pickle.dumps({"a": [1, (2, 3)], "b": None, "c": True, "e": "x"}, protocol=protocol)

    lines = [(line.depth, line.key, line.value) for line in only(preview("x.pkl", content), Tree).lines]

    assert lines == [
        (0, "", "dict of 4"), (1, "a", "list of 2"), (2, "0", "1"), (2, "1", "tuple of 2"), (3, "0", "2"),
        (3, "1", "3"),
        (1, "b", "None"), (1, "c", lines[7][2]), (1, "e", "x"),
    ]  # fmt: skip
    assert lines[7][2] in {"true", "1"}


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'x'\ntR.",
        b"(S'x'\nios\nsystem\n.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01x\x85R.",
        b"\x80\x04\x8c\x05torch\x8c\x17serialization.os.system\x93\x8c\x01x\x85R.",
        b"c__builtin__\neval\n(S'x'\ntR.",
        b"cbuiltins\n__import__\n(S'x'\ntR.",
        b"coperator\nattrgetter\n(S'system'\ntR.",
        b"\x80\x02\x82\x01.",
    ],
    ids=["GLOBAL", "INST", "STACK_GLOBAL", "a dotted name", "eval", "import", "attrgetter", "extension"],
)
def test_every_way_to_name_code_is_seen(program):
    assert any(
        isinstance(section, Note) and section.weight is Weight.DANGER
        for section in preview("x.pkl", program).sections
    )


def test_a_danger_behind_a_harmless_pickle_is_seen():
    assert "system" in notes(preview("x.pkl", pickle.dumps([1]) + VALID["evil.pkl"]))


def test_a_danger_behind_many_names_or_many_pickles_is_seen_or_warned_of():
    names = b"".join(b"ctorch\nName%d\n0" % number for number in range(5000))
    assert "posix.system" in notes(preview("x.pkl", names + b"cposix\nsystem\n)R."))
    assert "may run anything" in notes(preview("x.pkl", pickle.dumps(1) * 50 + VALID["evil.pkl"]))
    assert "may run anything" in notes(preview("x.pkl", pickle.dumps(bytes(3_000_000)) + VALID["evil.pkl"]))
    assert "may run anything" in notes(preview("x.joblib", zlib.compress(pickle.dumps([0] * 3_000_000))))


def test_a_danger_in_the_place_of_an_array_is_seen():
    hidden = b"cposix\nsystem\n(S'x'\ntR0"
    program = (
        b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(S'shape'\n(I%d\ntS'dtype'\ncnumpy\ndtype\n(S'u1'\ntRub"
        % len(hidden)
    )

    found = preview("x.joblib", program + hidden + b".")

    assert "posix.system" in notes(found)


def test_each_pickle_of_a_torch_file_is_looked_at():
    harmless, evil = pickle.dumps({"a": 1}), VALID["evil.pkl"]

    assert "system" in notes(preview("x.pt", zipped({"a/data.pkl": harmless, "b/data.pkl": evil})))


def test_a_pickle_followed_only_halfway_is_no_all_clear():
    assert "may run anything" in notes(preview("x.pkl", b"\x80\x02]q\x00K\x01a\xff\xff\xff."))


def test_a_torch_file_shows_names_and_shapes_of_its_tensors():
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save({"layer": {"weight": torch.nn.Parameter(torch.ones(3, 4))}, "epoch": 7}, file)

    found = preview("x.pt", file.getvalue())

    lines = {line.key: line.value for line in only(found, Tree).lines}
    assert found.kind == "PyTorch file"
    assert lines["weight"] == "tensor float [3, 4]"
    assert lines["epoch"] == "7"
    assert "well-known" in notes(found)


def test_a_torch_file_of_before_1_6_is_read_as_its_pickles():
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save({"w": torch.zeros(3, 4)}, file, _use_new_zipfile_serialization=False)

    assert any(
        line.value == "tensor float [3, 4]" for line in only(preview("x.pt", file.getvalue()), Tree).lines
    )


def test_a_joblib_file_is_followed_past_its_arrays():
    joblib = pytest.importorskip("joblib")
    numpy = pytest.importorskip("numpy")
    file = io.BytesIO()
    joblib.dump({"a": numpy.arange(1000), "b": numpy.ones((2, 2)), "last": "seen"}, file)

    found = preview("x.joblib", file.getvalue())

    assert any((line.key, line.value) == ("last", "seen") for line in only(found, Tree).lines)
    assert "followed" not in notes(found)


# --- tables of other libraries ----------------------------------------------------------------------


def test_a_parquet_file_shows_schema_and_rows():
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"a": [1, 2], "b": ["x", None]}), file)

    schema, rows = [s for s in preview("x.parquet", file.getvalue()).sections if isinstance(s, Table)]

    assert schema.rows == (("a", "int64"), ("b", "string"))
    assert rows.rows == (("1", "x"), ("2", ""))


def test_an_arrow_file_shows_schema_and_rows():
    pyarrow = pytest.importorskip("pyarrow")
    file = io.BytesIO()
    with pyarrow.ipc.new_file(file, pyarrow.schema([("a", pyarrow.int64())])) as writer:
        writer.write_table(pyarrow.table({"a": [1, 2]}))

    _, rows = [s for s in preview("x.arrow", file.getvalue()).sections if isinstance(s, Table)]

    assert rows.rows == (("1",), ("2",))


def test_a_file_that_crashes_pyarrow_or_hangs_it_costs_a_process_and_not_the_browser(monkeypatch):
    from localart_tui.previews import columnar

    for program in (
        "import os; os.abort()",
        "import time; time.sleep(60)",
        "print('x y')",
        "print(-1, 9); print('nonsense')",
    ):
        monkeypatch.setattr(
            columnar, "_command", lambda kind, size, program=program: [sys.executable, "-c", program]
        )
        monkeypatch.setattr(columnar, "MOST_SECONDS", 1.0)
        monkeypatch.setattr(columnar, "find_spec", lambda name: object())

        assert "broken" in notes(preview("a.arrow"))


def test_the_other_process_cannot_have_more_of_the_file_than_a_preview_may(monkeypatch):
    from localart_tui.previews import columnar

    program = "import sys\nwhile True: print(0, 1 << 20, flush=True); sys.stdin.buffer.read(8 + 108)"
    monkeypatch.setattr(columnar, "_command", lambda kind, size: [sys.executable, "-c", program])
    monkeypatch.setattr(columnar, "find_spec", lambda name: object())

    assert "more of the file" in notes(preview("a.arrow"))


# --- what cannot be shown ---------------------------------------------------------------------------


def test_an_empty_file_says_so():
    assert notes(preview("x.npy", b"")) == "the file is empty"


def test_a_file_that_is_not_what_its_name_says_is_shown_as_bytes():
    found = preview("x.safetensors", b"\xff" * 100)

    assert isinstance(found.sections[-1], HexDump)


def test_a_binary_file_called_txt_is_shown_as_bytes():
    assert isinstance(preview("x.txt", bytes(range(256))).sections[0], HexDump)


def test_text_with_escape_sequences_is_text():
    assert only(preview("x.log", b"\x1b[31mred\x1b[0m\n" * 5), TextLines).lines[0] == "\x1b[31mred\x1b[0m"


def test_damage_in_the_store_is_a_note():
    class Damaged(BytesInMemory):
        def read(self, offset, length):
            raise BlobDamaged("Content abc is not what it was", hint="run `localart doctor`")

    found = open_preview(Damaged(b"xx"), "x.txt")

    assert "not what it was" in notes(found)


def test_a_json_file_of_a_hundred_thousand_levels_is_shown_as_text():
    found = preview("x.json", b"[" * 100_000)

    assert "too deep" in notes(found)
    assert len(only(found, TextLines).lines[0]) < 2100


def test_jsonl_of_plain_values_is_text_and_json_numbers_of_many_digits_are_no_danger():
    assert isinstance(preview("x.jsonl", b"1\n2\n").sections[0], TextLines)
    assert "no valid JSON" in notes(preview("x.json", b"1" * 100_000))
    assert json.loads("1e5") == 1e5


def test_a_header_that_claims_too_much_is_refused():
    assert "claims" in notes(preview("x.safetensors", struct.pack("<Q", 1 << 60) + b"{}"))
    assert "broken" in notes(preview("x.npy", npy().replace(b"(3, 4)", b"-1, -1")))
    assert "fewer than its shape needs" in notes(preview("x.npy", npy("<f8", (10**18, 10**18))))
    assert "cut off" in notes(
        preview(
            "x.safetensors", safetensors({"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 1 << 40]}})
        )
    )


def test_a_zip_bomb_is_named_and_costs_nothing():
    bomb = zipped({f"{n}.npy": npy() + bytes(5_000_000) for n in range(3)})

    assert "unpacking it would give" in notes(preview("x.npz", bomb))


def test_a_member_packed_otherwise_is_listed_and_not_opened():
    rows = next(
        s
        for s in preview("x.npz", zipped({"a.npy": npy()}, zipfile.ZIP_LZMA)).sections
        if isinstance(s, Table)
    ).rows

    assert rows[0][1] == "packed in a way that is not shown"
