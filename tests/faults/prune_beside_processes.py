"""Who works beside prunes: `python prune_beside_processes.py ROLE …`, in the store LOCALART_DIR.

A writer says each label that was acknowledged, with the seeds of what it holds; a reader and the test know from that
what must be read.
"""

import random
import sys
import time
from pathlib import Path

import localart
from localart.errors import ArtifactNotFound
from localart.operations.download import download
from localart.operations.resolve import resolve_version
from localart.repository import default_repository
from localart.store import packs

PROJECT = "p"
FILES = 12


def content(seeds: list[int]) -> dict[str, bytes]:
    """Small files, and one large one that shares chunks with that of other seeds."""
    files = {f"f{seed}.bin": random.Random(seed).randbytes(3_000) for seed in seeds}
    base = bytearray(random.Random("base").randbytes(400_000))
    base[100_000:110_000] = random.Random(seeds[0]).randbytes(10_000)
    return {**files, "large.bin": bytes(base)}


def write(name: str, seconds: str) -> None:
    """Log versions of few seeds, so that most content was stored, deleted and freed before; keep a draft open."""
    rng = random.Random(name)
    packs.PACK_BYTES = 1 << 20
    until = time.monotonic() + float(seconds)
    run = localart.init(project=PROJECT)
    kept = localart.Artifact(f"kept-{name}", "data")
    while time.monotonic() < until:
        seeds = sorted(rng.sample(range(60), FILES))
        draft = localart.Artifact(name, "data")
        for path, data in content(seeds).items():
            with draft.new_file(path, "wb") as file:
                file.write(data)
        if not kept.manifest.entries:
            with kept.new_file("kept.bin", "wb") as file:
                file.write(random.Random(name).randbytes(5_000))
        aliases = ["keep"] if rng.random() < 0.3 else []
        run.log_artifact(draft, aliases=aliases)
        print(draft.source_name, *seeds, flush=True)
        time.sleep(rng.random() * 0.02)
    run.log_artifact(kept)
    print(kept.source_name, flush=True)
    run.finish()


def read(folder: str, seconds: str) -> None:
    """Download whatever is `latest` of the writers' artifacts; every file is what its name says."""
    repository = default_repository()
    until = time.monotonic() + float(seconds)
    count = 0
    while time.monotonic() < until:
        for name in ("w0", "w1", "w2", "w3"):
            target = Path(folder) / f"{name}-{count}"
            try:
                download(repository, resolve_version(repository, f"{name}:latest", project=PROJECT), target)
            except ArtifactNotFound:
                time.sleep(0.05)
                continue
            for path in target.glob("f*.bin"):
                seed = int(path.stem[1:])
                assert path.read_bytes() == random.Random(seed).randbytes(3_000), path
            count += 1
    print(count, flush=True)


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
