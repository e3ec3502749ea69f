"""Find the reader for a file, by its first bytes and its name, and let nothing it does get out."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from localart.errors import LocalartError
from localart_tui.previews.record import HexDump, Note, Preview, Section, Weight
from localart_tui.previews.source import ByteSource, NotShown

HEX_BYTES = 4096
_SNIFFED_BYTES = 512

Reader = Callable[[ByteSource, str], Preview]


class _Kind(NamedTuple):
    """One kind of file: what it is called, and where its reader is (imported when first needed)."""

    words: str
    module: str
    function: str


_NPY = _Kind("NumPy array", "arrays", "read_npy")
_NPZ = _Kind("NumPy archive", "archives", "read_npz")
_ZIP = _Kind("ZIP archive", "archives", "read_zip")
_TORCH = _Kind("PyTorch file", "torches", "read_torch_zip")
_PICKLE = _Kind("pickle", "pickles", "read_pickle")
_SAFETENSORS = _Kind("safetensors", "safetensors", "read_safetensors")
_IMAGE = _Kind("picture", "images", "read_image")
_WAV = _Kind("WAV sound", "sounds", "read_wav")
_PARQUET = _Kind("Parquet table", "columnar", "read_parquet")
_ARROW = _Kind("Arrow table", "columnar", "read_arrow")
_GGUF = _Kind("GGUF model", "gguf", "read_gguf")
_ONNX = _Kind("ONNX model", "onnx", "read_onnx")
_HDF5 = _Kind("HDF5 file", "hexdump", "read_hdf5")
_JSON = _Kind("JSON", "documents", "read_json")
_JSON_LINES = _Kind("JSON lines", "documents", "read_json_lines")
_TABLE = _Kind("W&B table", "documents", "read_wandb_table")
_CSV = _Kind("CSV table", "csvs", "read_csv")
_TEXT = _Kind("text", "texts", "read_text")

_MAGIC: tuple[tuple[bytes, _Kind], ...] = (
    (b"\x93NUMPY", _NPY),
    (b"\x89PNG\r\n\x1a\n", _IMAGE),
    (b"\xff\xd8\xff", _IMAGE),
    (b"GIF8", _IMAGE),
    (b"PAR1", _PARQUET),
    (b"ARROW1", _ARROW),
    (b"GGUF", _GGUF),
    (b"\x89HDF\r\n\x1a\n", _HDF5),
)
_ZIPPED = {"npz": _NPZ, "pt": _TORCH, "pth": _TORCH, "ckpt": _TORCH, "bin": _TORCH}
_BY_SUFFIX = {
    "safetensors": _SAFETENSORS,
    "pkl": _PICKLE, "pickle": _PICKLE, "joblib": _PICKLE, "pt": _PICKLE, "pth": _PICKLE, "ckpt": _PICKLE,
    "onnx": _ONNX,
    "json": _JSON, "ipynb": _JSON, "geojson": _JSON,
    "jsonl": _JSON_LINES, "ndjson": _JSON_LINES,
    "csv": _CSV, "tsv": _CSV,
    "bmp": _IMAGE,
}  # fmt: skip


def open_preview(source: ByteSource, path: str) -> Preview:
    """What the file shows of itself. Never raises: what is broken, too large or hostile gives a note that says so.

    Reads a bounded part; executes nothing. Meant for a worker thread: a large picture takes a second.
    """
    try:
        if source.size_bytes == 0:
            return Preview("empty file", (Note("the file is empty"),))
        head = source.read(0, _SNIFFED_BYTES)
        kind = _kind_of(head, path)
    except (LocalartError, OSError) as error:
        return Preview("file", (_unreadable(error),))
    return _read(kind, source, path)


def _kind_of(head: bytes, path: str) -> _Kind:
    name = path.rpartition("/")[2].lower()
    suffix = name.rpartition(".")[2]
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"RIFF"):
        return _WAV if head[8:12] == b"WAVE" else _IMAGE
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _ZIPPED.get(suffix, _ZIP)
    if name.endswith(".table.json"):
        return _TABLE
    return _BY_SUFFIX.get(suffix, _TEXT)


def _read(kind: _Kind, source: ByteSource, path: str) -> Preview:
    try:
        reader: Reader = getattr(import_module(f"localart_tui.previews.{kind.module}"), kind.function)
        return reader(source, path)
    except (LocalartError, OSError) as error:
        return Preview(kind.words, (_unreadable(error),))
    except NotShown as error:
        return _instead(kind, source, str(error))
    except Exception as error:  # noqa: BLE001 - a decoder may raise anything over bytes made to break it
        return _instead(kind, source, f"it is broken, or not what its name says ({type(error).__name__})")


def _unreadable(error: Exception) -> Note:
    return Note(f"the file cannot be read: {str(error)[:400]}", Weight.WARNING)


def _instead(kind: _Kind, source: ByteSource, why: str) -> Preview:
    sections: list[Section] = [Note(why, Weight.WARNING)]
    try:
        sections.append(HexDump(source.read(0, HEX_BYTES)))
    except (LocalartError, OSError) as error:
        sections.append(_unreadable(error))
    return Preview(kind.words, tuple(sections))
