"""A draft that relies on stored content, and a prune that would remove it, never meet (I5)."""

import subprocess
import sys
import threading
import time

import pytest
from prune_bench import Bench, noise

import localart

PRUNE = """
import sys
from localart.operations.delete import execute_deletion, plan_deletion
from localart.operations.prune import execute_prune
from localart.operations.resolve import resolve_version
from localart.repository import default_repository
repository = default_repository()
doomed = [resolve_version(repository, f"p/{label}", project="p") for label in sys.argv[1:]]
execute_deletion(repository, plan_deletion(doomed))
assert not execute_prune(repository, trash_seconds=0).held_by_writers
"""


def delete_and_prune_elsewhere(*labels: str) -> None:
    """As `localart rm` does, in a process of its own."""
    subprocess.run([sys.executable, "-c", PRUNE, *labels], check=True)


@pytest.mark.parametrize("again", ["y.bin", "other.bin"])
def test_a_draft_that_was_given_up_hinders_no_later_log(bench: Bench, again: str) -> None:
    base = bytearray(noise("base", 1_000_000))
    doomed = bench.log({"x.bin": bytes(base)}, "doomed")
    bench.log({"as-long.bin": noise("as long", 1_000_000)}, "kept")
    base[500_000:500_010] = b"0123456789"
    (bench.folder / "y.bin").write_bytes(base)
    (bench.folder / "other.bin").write_bytes(b"other")
    with localart.init(project="p") as run:
        given_up = localart.Artifact("given-up", "dataset")
        given_up.add_file(bench.folder / "y.bin")
        del given_up
        delete_and_prune_elsewhere(doomed)

        artifact = localart.Artifact("later", "dataset")
        artifact.add_file(bench.folder / again)
        run.log_artifact(artifact)

    del bench.logged[doomed]
    bench.logged["later:v0"] = {again: (bench.folder / again).read_bytes()}
    bench.check()


def test_a_draft_begun_during_the_sweep_waits_and_stores_its_content_anew(bench: Bench) -> None:
    bench.delete(bench.log({"x.bin": noise("x", 50_000)}))
    (bench.folder / "x.bin").write_bytes(noise("x", 50_000))
    seen: list[str] = []

    def log() -> None:
        with localart.init(project="p") as run:
            artifact = localart.Artifact("again", "dataset")
            seen.append("begun")
            artifact.add_file(bench.folder / "x.bin")
            seen.append("added")
            run.log_artifact(artifact)

    thread = threading.Thread(target=log)
    with bench.repository.lease.exclusive() as is_alone:
        assert is_alone
        thread.start()
        while "begun" not in seen:
            time.sleep(0.001)
        time.sleep(0.05)
        assert seen == ["begun"]
        bench.repository.release_writer()
    thread.join()

    assert seen == ["begun", "added"]
    bench.prune()
    bench.logged["again:v0"] = {"x.bin": noise("x", 50_000)}
    bench.check()


def test_an_artifact_that_was_logged_holds_up_no_prune(bench: Bench) -> None:
    (bench.folder / "x").write_text("x")
    with localart.init(project="p") as run:
        artifact = localart.Artifact("logged", "dataset")
        artifact.add_file(bench.folder / "x")
        run.log_artifact(artifact)

    assert not bench.prune().held_by_writers
    assert artifact.state == "COMMITTED"
