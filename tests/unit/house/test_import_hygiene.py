"""Starting is fast: `import localart` loads next to nothing, a whole small run little more."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("textual", "rich", "click", "sqlite_utils", "numpy", "torch", "PIL", "sklearn", "platformdirs")


def run_python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import localart",
        "import localart; localart.init(project='p').log({'a': 1}); localart.finish()",
        "import localart; a = localart.Artifact('a', 'b'); a.add_file(__import__('os').__file__); a.save()",
        "import localart; localart.Api()",
    ],
)
def test_no_heavy_package_is_loaded_by(code: str) -> None:
    loaded = json.loads(
        run_python(f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))").splitlines()[-1]
    )

    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)


def test_importing_localart_loads_nothing_but_itself() -> None:
    loaded = run_python(
        "import sys; before = set(sys.modules); import localart; print(sorted(set(sys.modules) - before))"
    )

    assert loaded.strip() == "['localart']"


def _seconds(code: str, **environment: str) -> float:
    return float(run_python(code, **environment))


@pytest.mark.sweep
def test_the_import_costs_at_most_half_more_than_its_parts() -> None:
    base = "import time; t = time.perf_counter(); import sqlite3, zstandard, xxhash{}; print(time.perf_counter() - t)"
    pairs = [(_seconds(base.format("")), _seconds(base.format(", localart"))) for _ in range(15)]

    ratio = statistics.median(ours for _, ours in pairs) / statistics.median(parts for parts, _ in pairs)

    print(f"import ratio {ratio:.2f}")
    assert ratio <= 1.5


@pytest.mark.sweep
def test_a_first_run_costs_at_most_150_milliseconds(tmp_path: Path) -> None:
    code = (
        "import sqlite3, zstandard, xxhash, localart, time; t = time.perf_counter()\n"
        "run = localart.init(project='p'); run.log({'a': 1}); run.finish(); print(time.perf_counter() - t)"
    )

    times = [_seconds(code, LOCALART_DIR=str(tmp_path / f"store{number}")) for number in range(15)]

    print(f"first run {1000 * statistics.median(times):.0f} ms")
    assert statistics.median(times) <= 0.150
