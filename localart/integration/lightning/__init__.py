"""Lightning's logger, for both packages it is published as.

    from localart.integration.lightning import WandbLogger

    trainer = Trainer(logger=WandbLogger(project="demo", log_model="all"))

`lightning` and `pytorch_lightning` hold two copies of the same code, and a logger made for one is none for the
other. The name above gives the class for the package that is in use (imported already, or else installed);
`for_lightning` and `for_pytorch_lightning` each give theirs.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localart.integration.lightning.for_lightning import LocalartLogger as LocalartLogger
    from localart.integration.lightning.for_lightning import WandbLogger as WandbLogger

__all__ = ["LocalartLogger", "WandbLogger"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_package_in_use()}"), name)


def _package_in_use() -> str:
    """Which one was imported; with both or none, `lightning` if it is there."""
    loaded = [package in sys.modules for package in ("lightning.pytorch", "pytorch_lightning")]
    only_the_old_name = loaded == [False, True] or (loaded[0] is False and find_spec("lightning") is None)
    return "for_pytorch_lightning" if only_the_old_name else "for_lightning"
