"""What is logged and restored: `make` writes files from fixed seeds, the same on every machine.

At scale 1 (their bytes follow the scale):

w1  one file of random bytes, 1 GB
w2  20,000 files of 1-9 KB in 100 folders (JSON, CSV, text, incompressible), 98 MB; and a copy of the folder
    with 1 % of the files rewritten, 0.1 % removed and 0.1 % added
w3  ten checkpoints of 105 MB: fp32 tensors behind a JSON header, as in safetensors; 18 of 24 layers are frozen,
    the others and the head move by small steps
w5  ten versions of a JSONL table of 38 MB, with 0.5 % of the rows edited, removed or added in each
"""

import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

Rng = np.random.Generator


def make(name: str, scale: float, folder: Path) -> None:
    """Write the versions of a workload to v00, v01, ... in `folder`, and what changed in them to `changed`."""
    makers = {"w1": _one_file, "w2": _small_files, "w3": _checkpoints, "w5": _table}
    makers[name](folder, scale, np.random.default_rng([int(name[1:]), 2025]))


def _one_file(folder: Path, scale: float, rng: Rng) -> None:
    left = int(1_000_000_000 * scale)
    with _new(folder / "v00/random.bin").open("wb") as file:
        while left:
            left -= file.write(rng.bytes(min(left, 16 << 20)))


def _new(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _words(rng: Rng) -> list[str]:
    return [rng.bytes(5).hex()[: 2 + number % 8] for number in range(3000)]


def _small_files(folder: Path, scale: float, rng: Rng) -> None:
    count, words = int(20_000 * scale), _words(rng)
    order = rng.permutation(count).tolist()
    rewritten, removed = set(order[: count // 100]), set(order[count - count // 1000 :])
    for number in range(count):
        _write_small(folder / "v00", number, 0, words)
    for number in set(range(count + count // 1000)) - removed:
        _write_small(folder / "changed", number, int(number in rewritten), words)


def _write_small(root: Path, number: int, revision: int, words: list[str]) -> None:
    rng, kind = np.random.default_rng([2, number, revision]), ("json", "csv", "txt", "jpg")[number % 4]
    size = int(rng.integers(1000, 8900))
    content = rng.bytes(size) if kind == "jpg" else _text(rng, kind, size, words).encode()
    _new(root / f"part-{number % 100:02}/item-{number:06}.{kind}").write_bytes(content)


def _text(rng: Rng, kind: str, size: int, words: list[str]) -> str:
    if kind == "csv":
        return "\n".join(",".join(f"{cell:.5f}" for cell in row) for row in rng.normal(size=(size // 34, 4)))
    if kind == "txt":
        return " ".join(words[rank % len(words)] for rank in rng.zipf(1.3, size // 3).tolist())[:size]
    boxes = [
        {"class": words[one], "box": rng.random(4).round(4).tolist(), "confidence": round(rng.random(), 5)}
        for one in rng.integers(80, size=size // 100).tolist()
    ]
    return json.dumps({"picture": f"{rng.integers(1 << 20)}.png", "boxes": boxes}, indent=1)


def _checkpoints(folder: Path, scale: float, rng: Rng) -> None:
    width = max(64, round(512 * scale**0.5 / 8) * 8)
    sizes = {"embedding": 1000} | {f"layers.{layer:02}": 4 * width for layer in range(24)} | {"head": 1000}
    tensors = {
        name: rng.standard_normal((rows, width), np.float32) * np.float32(rng.uniform(0.4, 0.8) / width**0.5)
        for name, rows in sizes.items()
    }
    for version in range(10):
        for name in [*tensors][19:] if version else ():
            steps = np.clip(rng.standard_normal(tensors[name].shape, np.float32), -3, 3)
            tensors[name] = tensors[name] + steps * np.float32(3e-4 / (version + 1))
        with _new(folder / f"v{version:02}/model.safetensors").open("wb") as file:
            file.writelines(_safetensors(tensors))


def _safetensors(tensors: dict[str, np.ndarray]) -> Iterator[bytes]:
    header, end = {}, 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.nbytes
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    yield struct.pack("<Q", len(text)) + text
    yield from (tensor.tobytes() for tensor in tensors.values())


def _table(folder: Path, scale: float, rng: Rng) -> None:
    words, count = _words(rng), int(150_000 * scale)
    rows = [_row(rng, number, words) for number in range(count)]
    for version in range(10):
        for place in rng.integers(len(rows), size=max(1, len(rows) // 600)).tolist() if version else ():
            rows[place] = _row(rng, place, words)
            del rows[int(rng.integers(len(rows)))]
            rows.insert(int(rng.integers(len(rows))), _row(rng, count, words))
            count += 1
        _new(folder / f"v{version:02}/train.jsonl").write_text("\n".join(rows) + "\n")


def _row(rng: Rng, number: int, words: list[str]) -> str:
    text = " ".join(words[one] for one in rng.integers(len(words), size=23).tolist())
    vector = rng.normal(size=6).round(5).tolist()
    return json.dumps({"id": number, "text": text, "label": int(rng.integers(10)), "vector": vector})


if __name__ == "__main__":  # NumPy stays out of the process that measures
    make(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))
