"""The frameworks' modules cost nothing until they are used, and each needs its own framework only."""

import importlib
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
    "sklearn": "skops",
    "hydra": "hydra",
}


def test_the_package_itself_imports_no_framework() -> None:
    code = (
        "import sys, localart, localart.integration, localart.integration.lightning;"
        f"print(sorted({{*{sorted({*MODULES.values(), 'sklearn', 'torch'})}}} & set(sys.modules)),"
        "'localart.session' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.split() == ["[]", "False"]


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_without_its_framework_says_which_one_is_missing(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"localart.integration.{module}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, MODULES[module], None)  # type: ignore[arg-type]

    with pytest.raises(ImportError, match=MODULES[module]):
        importlib.import_module(name)
