"""One step of a large job in a process of its own, so that its memory can be told. Run as a script.

Says one line of JSON: seconds of each part, and `peak_mb` of resident memory.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import localart
from localart.manifest import diff_entries

T = TypeVar("T")


class Watch:
    """Measures parts and collects what they found."""

    def __init__(self) -> None:
        self.said: dict[str, object] = {}

    def part(self, name: str, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        result = work()
        self.said[name] = round(time.perf_counter() - began, 4)
        return result

    def tell(self) -> None:
        self.said["peak_mb"] = peak_megabytes()
        print(json.dumps(self.said))


def peak_megabytes() -> int:
    """The most memory this program had resident. Linux: `ru_maxrss` would count the parent it was forked from."""
    if sys.platform == "linux":
        facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(facts["VmHWM"].split()[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20)


def log(watch: Watch, name: str, path: str) -> None:
    with localart.init(project="scale") as run:
        artifact = localart.Artifact(name, "dataset")
        add = artifact.add_dir if Path(path).is_dir() else artifact.add_file
        watch.part("add", lambda: add(path))
        watch.part("log", lambda: run.log_artifact(artifact))
        watch.said["version"] = artifact.version


def read(watch: Watch, name: str, path: str, root: str) -> None:
    """List the latest version, compare it with the one before, download one file and one folder."""
    api = localart.Api()
    latest = api.artifact(f"scale/{name}")
    before = api.artifact(f"scale/{name}:v{latest.version_record.number - 1}")
    watch.said["files"] = watch.part("list", lambda: sum(1 for _ in latest.files()))
    watch.said["changes"] = watch.part(
        "diff", lambda: sum(1 for _ in diff_entries(before._stored_entries(), latest._stored_entries()))
    )
    watch.part("download one", lambda: latest.get_entry(path).download(root=root))
    watch.part(
        "download a folder", lambda: latest.download(root=root, path_prefix=path.rpartition("/")[0] + "/")
    )


def download(watch: Watch, name: str, root: str) -> None:
    """Download twice: the second finds everything there."""
    version = localart.Api().artifact(f"scale/{name}")
    watch.part("first", lambda: version.download(root=root))
    watch.part("second", lambda: version.download(root=root))


def main() -> None:
    watch = Watch()
    role, *arguments = sys.argv[1:]
    {"log": log, "read": read, "download": download}[role](watch, *arguments)
    watch.tell()


if __name__ == "__main__":
    main()
