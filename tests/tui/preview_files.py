"""Files of every kind that previews know, made by what usually makes them, or by hand."""

import io
import json
import pickle
import struct
import wave
import zipfile

from localart.media.png import Pixels, encode_png


def npy(dtype: str = "<f4", shape: tuple = (3, 4), content: bytes | None = None) -> bytes:
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape!r}, }}".ljust(117) + "\n"
    body = struct.pack("<12f", *range(12)) if content is None else content
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


def zipped(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def safetensors(tensors: dict | None = None) -> bytes:
    held = {
        "weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "__metadata__": {"format": "pt"},
    }
    header = json.dumps(held if tensors is None else tensors).encode()
    return struct.pack("<Q", len(header)) + header + bytes(24)


def text(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


def gguf() -> bytes:
    facts = text(b"general.name") + struct.pack("<I", 8) + text(b"tiny")
    facts += text(b"tokens") + struct.pack("<IIQ", 9, 8, 2) + text(b"a") + text(b"b")
    facts += text(b"layers") + struct.pack("<II", 4, 12)
    tensor = text(b"output.weight") + struct.pack("<IQQIQ", 2, 32, 64, 1, 0)
    return b"GGUF" + struct.pack("<IQQ", 3, 1, 3) + facts + tensor


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    result = b""
    while value > 0x7F:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def onnx() -> bytes:
    weight = field(1, varint(64) + varint(10)) + field(2, 1) + field(8, b"fc.weight") + field(9, bytes(100))
    node = field(1, b"x") + field(2, b"y") + field(4, b"Gemm")
    graph = field(1, node) + field(1, node) + field(2, b"main") + field(5, weight)
    graph += field(11, field(1, b"image")) + field(12, field(1, b"scores"))
    return field(1, 8) + field(2, b"pytorch") + field(7, graph)


def wav(bits: int = 16, channels: int = 1, frames: int = 800) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(bits // 8)
        sound.setframerate(8000)
        sound.writeframes(bytes(range(256)) * (frames * channels * bits // 8 // 256 + 1))
    return file.getvalue()


def png(width: int = 40, height: int = 30) -> bytes:
    data = bytes(
        (x * 6 + y + channel * 80) % 256 for y in range(height) for x in range(width) for channel in range(3)
    )
    return encode_png(Pixels(width=width, height=height, channels=3, data=data))


class Exploit:
    """Unpickling it would write a file."""

    def __init__(self, path: str = "pwned") -> None:
        self.path = path

    def __reduce__(self):
        import os

        return os.system, (f"touch {self.path}",)


VALID: dict[str, bytes] = {
    "a.txt": b"hello\nworld\n" * 50,
    "a.py": b"import os\n\ndef main() -> None:\n    print('x')\n",
    "a.json": json.dumps({"a": [1, 2.5, None, {"b": "x"}], "c": True}).encode(),
    "a.jsonl": b'{"a": 1, "b": "x"}\n{"a": 2}\n',
    "a.csv": b'name,size\n"a, b",1\nc,2.5\n',
    "a.tsv": b"name\tsize\na\t1\n",
    "a.table.json": json.dumps({"columns": ["x", "y"], "data": [[1, "a"], [2, {"path": "m.png"}]]}).encode(),
    "a.npy": npy(),
    "a.npz": zipped({"x.npy": npy(), "y.npy": npy("<i8", (2,), struct.pack("<2q", 7, -7))}),
    "a.safetensors": safetensors(),
    "a.pkl": pickle.dumps({"a": [1, 2, (3, 4)], "b": {"c": "text", "d": 1.5}}),
    "old.pkl": pickle.dumps({"a": [1, 2, (3, 4)]}, protocol=0),
    "evil.pkl": pickle.dumps(["harmless", Exploit()]),
    "a.zip": zipped({"readme.md": b"# hi", "deep/er.txt": b"x" * 1000}),
    "a.gguf": gguf(),
    "a.onnx": onnx(),
    "a.h5": b"\x89HDF\r\n\x1a\n\x00" + bytes(100),
    "a.wav": wav(),
    "a.png": png(),
    "a.gif": bytes.fromhex("474946383961020001008000 00ffffff0000002c000000000200010000020204 0a003b"),
    "a.bin": bytes(range(256)) * 3,
    "a.parquet": b"PAR1" + bytes(50) + struct.pack("<I", 50) + b"PAR1",
    "a.arrow": b"ARROW1\0\0" + bytes(100),
}
