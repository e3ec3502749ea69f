"""The rules of the house that a test can hold."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = sorted([*ROOT.glob("localart/**/*.py"), *ROOT.glob("tui/**/*.py")])
MAY_PRINT = ("localart/cli/", "localart/reporter.py", "tui/")
MAY_READ_ENVIRONMENT = ("localart/settings.py", "localart/cli/", "tui/")
PUBLIC_NAMES = ("run", "config", "summary", "log", "init", "finish", "save", "use_artifact", "log_artifact")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_point_down() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_the_voice_prints_and_only_settings_read_the_environment(path: Path) -> None:
    name = name_of(path)
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            found.append("print")
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
            found.append("environ")

    assert "print" not in found or name.startswith(MAY_PRINT)
    assert "environ" not in found or name.startswith(MAY_READ_ENVIRONMENT)


def test_no_module_hides_a_name_users_call() -> None:
    modules = {path.stem for path in (ROOT / "localart").iterdir() if path.suffix == ".py" or path.is_dir()}

    assert not modules & set(PUBLIC_NAMES)
