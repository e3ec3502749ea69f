"""Versions of an optimizer's state: first moments that are all new beside second moments that moved a little."""

import json
import random
import struct
from pathlib import Path

import localart
from localart.repository.opening import close_all, default_repository

COUNT = 30_000
TENSORS = 8


def floats(draw, numbers):
    return struct.pack(f"<{COUNT}f", *(number * draw() for number in numbers))


def state(step):
    """Tensors in turn: of one kind nothing stays, of the other everything grows by a few per cent."""
    first, scale = random.Random(step), random.Random(99)
    growth = random.Random(1000 + step)
    scales = [abs(scale.gauss(0, 1)) + 1e-3 for _ in range(COUNT)]
    tensors = {}
    for number in range(TENSORS // 2):
        tensors[f"{number}.exp_avg"] = floats(lambda: first.gauss(0, 1), scales)
        tensors[f"{number}.exp_avg_sq"] = floats(lambda: 1 + step * growth.expovariate(20), scales)
    header, at = {}, 0
    for name, body in tensors.items():
        header[name] = {"dtype": "F32", "shape": [COUNT], "data_offsets": [at, at + len(body)]}
        at += len(body)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(tensors.values())


def log(content):
    with localart.init(project="p") as run:
        artifact = localart.Artifact("state", type="optimizer")
        with artifact.new_file("optimizer.safetensors", "wb") as file:
            file.write(content)
        return run.log_artifact(artifact)


def test_only_the_moments_that_moved_little_are_told_by_their_difference(tmp_path):
    """Fails when a frame is told as a whole or not at all: `_parted` yields all bases as one part."""
    states = [state(step) for step in range(3)]
    for content in states:
        log(content)

    frames = default_repository().read().execute("SELECT depth, stored_bytes, raw_bytes FROM frames")
    told = [(stored, raw) for depth, stored, raw in frames if depth]
    assert sum(raw for _, raw in told) > 1.9 * len(states[0])
    assert sum(stored for stored, _ in told) < 0.8 * sum(raw for _, raw in told)
    close_all()
    for number, content in enumerate(states):
        folder = localart.Api().artifact(f"p/state:v{number}").download(tmp_path / str(number))
        assert (Path(folder) / "optimizer.safetensors").read_bytes() == content
