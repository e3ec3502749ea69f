"""What every object of `Api` can do besides: be asked by W&B's camel-case names, and be shown in a notebook."""

import sys
from collections.abc import Mapping
from typing import Any


class Attributes:
    """Gives `createdAt` for `created_at` and the like, and an HTML table for notebooks."""

    @property
    def attrs(self) -> Mapping[str, Any]:
        """The facts under W&B's camel-case names."""
        return {}

    def snake_to_camel(self, string: str) -> str:
        """`created_at` → `createdAt`."""
        first, *others = string.split("_")
        return first + "".join(word.title() for word in others)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        attrs = self.attrs
        for key in (name, self.snake_to_camel(name)):
            if key in attrs:
                return attrs[key]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """A table of the facts; every text in it is escaped."""
        from html import escape

        rows = "".join(
            f"<tr><th>{escape(key)}</th><td>{escape(str(value))}</td></tr>"
            for key, value in self.attrs.items()
        )
        style = f"max-height:{int(height)}px;overflow:auto;{'display:none;' if hidden else ''}"
        return f'<div style="{style}"><table>{rows}</table></div>'

    def _repr_html_(self) -> str:
        return self.to_html()

    def display(self, height: int = 420, hidden: bool = False) -> bool:
        """Show it in the notebook this runs in; False where there is none."""
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is None or "IPKernelApp" not in shell.config:
            return False
        from importlib import import_module

        shown = import_module("IPython.display")
        shown.display(shown.HTML(self.to_html(height, hidden)))
        return True
