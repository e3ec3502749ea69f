"""Run the demo: five steps on handwritten digits, then what they left in the store."""

import json
import time
from collections.abc import Callable
from importlib.util import find_spec

from localart.demo.facts import DemoReport, collect_facts
from localart.demo.story import tell, to_document
from localart.errors import UsageError
from localart.settings import read_settings

_PACKAGES = ("numpy", "sklearn")


def _say_nothing(_line: str) -> None:
    """Nobody listens."""


def run_demo(
    *,
    echo: Callable[[str], None],
    talk: Callable[[str], None] = _say_nothing,
    as_json: bool = False,
    change: bool = False,
    width: int | None = None,
) -> DemoReport:
    """Run the pipeline in the default store and tell what came of it; a few seconds, no network.

    `echo` gets the report once, as text of many lines (drawn at most `width` cells wide) or as one JSON
    document; `talk` gets a line for each step and epoch while it works. `change` takes other preprocessing and
    another learning rate, so that the next versions are made. Downloads go to `./artifacts`. Raises UsageError
    when a package is missing or runs are disabled; a step that fails leaves a failed run and raises its error.
    """
    _refuse_unless_ready()
    from localart.demo.pipeline import run_pipeline

    began = time.monotonic()
    run_ids = run_pipeline(changed=change, talk=talk)
    report = collect_facts(run_ids, changed=change, seconds=time.monotonic() - began)
    echo(json.dumps(to_document(report), indent=2) if as_json else tell(report, width=width))
    return report


def _refuse_unless_ready() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(f"The demo needs {' and '.join(missing)}", hint="pip install numpy scikit-learn")
    if read_settings().mode == "disabled":
        raise UsageError(
            "The demo keeps runs, and the environment disables them",
            hint="unset LOCALART_MODE and WANDB_MODE",
        )
