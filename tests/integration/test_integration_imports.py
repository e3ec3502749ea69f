"""The frameworks' modules cost nothing until they are used, and each needs its own framework only."""

import subprocess
import sys

import pytest

MODULES = {
    "lightning.for_lightning": "lightning",
    "lightning.for_pytorch_lightning": "pytorch_lightning",
    "transformers": "transformers",
    "keras": "keras",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "optuna": "optuna",
    "sklearn": "sklearn",
    "hydra": "hydra",
}


def test_the_package_itself_imports_no_framework() -> None:
    code = (
        "import sys, localart, localart.integration, localart.integration.lightning;"
        f"print(sorted({{*{sorted({*MODULES.values(), 'skops', 'torch'})}}} & set(sys.modules)),"
        "'localart.session' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.split() == ["[]", "False"]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_without_its_framework_says_which_one_is_missing(module: str) -> None:
    missing = MODULES[module]
    code = f"import sys; sys.modules[{missing!r}] = None; import localart.integration.{module}"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    last = ended.stderr.splitlines()[-1]
    assert last.startswith(("ModuleNotFoundError", "ImportError"))
    assert missing in last
