"""The library that makes calls fail, and the environment in which a process runs under it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
VARIABLES = ("LD_PRELOAD", "LOCALART_FAIL_BELOW", "PYTHONPATH")
GCC = shutil.which("gcc")
WHY_NOT = "" if GCC and sys.platform == "linux" else "needs gcc and Linux"


def build_shim(folder: Path) -> Path:
    """Compile `failing_calls.c` into `folder`."""
    library = folder / "failing.so"
    assert GCC is not None
    subprocess.run(
        [GCC, "-shared", "-fPIC", "-O1", "-Wall", "-o", library, HERE / "failing_calls.c", "-ldl"], check=True
    )
    return library


def environment_under(shim: Path, *, below: Path) -> dict[str, str]:
    """This process's environment, in which calls on files below `below` may be made to fail."""
    return {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "LOCALART_FAIL_BELOW": str(below),
        "PYTHONPATH": os.pathsep.join(
            [*map(str, (HERE.parent, HERE, HERE / "power")), os.environ.get("PYTHONPATH", "")]
        ),
    }
