"""Where W&B's own modules keep the names that user code reaches for beside those of the top level.

`wandb.util.generate_id()` begins many a script that resumes its run, and annotations name `wandb.sdk.wandb_run.Run` or
`wandb.apis.public.Run`. Nothing is imported before it is asked for.
"""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from localart.names import MAX_NAME
from localart.runs.run_names import ID_LENGTH, new_run_id


class Names:
    """A module of W&B's, as far as there is one here: names by where they are."""

    def __init__(self, path: str, places: Mapping[str, str], **inner: "Names") -> None:
        self.__name__ = path
        self._places = places
        self.__dict__.update(inner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._places:
            raise AttributeError(f"'{self.__name__}' has no attribute {name!r}")
        return getattr(import_module(self._places[name]), name)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self._places})

    def __repr__(self) -> str:
        return f"<names of {self.__name__}>"


def generate_id(length: int = ID_LENGTH) -> str:
    """Lowercase letters and digits by chance, as a run's id is made of."""
    return "".join(new_run_id() for _ in range(-(-length // ID_LENGTH)))[:length]


def make_artifact_name_safe(name: str) -> str:
    """`name` as an artifact may be called: `_` for other characters, the middle left out of a long one."""
    cleaned = re.sub(r"[^a-zA-Z0-9_\-.]", "_", name)
    if len(cleaned) <= MAX_NAME:
        return cleaned
    kept = MAX_NAME // 2 - 1
    return f"{cleaned[:kept]}..{cleaned[-kept:]}"


_HERE = "localart.session.older_names"
_TOP = "localart"  # which knows where its names are
_MEDIA = dict.fromkeys(
    (
        "Audio", "Classes", "Histogram", "Html", "Image", "JoinedTable", "Molecule", "Object3D", "Plotly", "Table",
        "Video",
    ),
    _TOP,
)  # fmt: skip
_PUBLIC = {
    "Api": _TOP,
    "ArtifactCollection": "localart.api.collection",
    "File": "localart.api.files",
    "Project": "localart.api.project",
    "Registry": "localart.api.registry",
    "Runs": "localart.api.runs",
}
_RUN = {"Run": _TOP}

util = Names("util", {"generate_id": _HERE, "make_artifact_name_safe": _HERE})
data_types = Names("data_types", _MEDIA)


class _Public(Names):
    @property
    def Run(self) -> Any:  # noqa: N802 - W&B's name
        """A run as `Api` shows it."""
        from localart.api.public_run import PublicRun

        return PublicRun


apis = Names("apis", {}, public=_Public("apis.public", _PUBLIC))
sdk = Names(
    "sdk",
    dict.fromkeys(("Artifact", "Config", "Settings"), _TOP),
    artifacts=Names("sdk.artifacts", {}, artifact=Names("sdk.artifacts.artifact", {"Artifact": _TOP})),
    data_types=data_types,
    lib=Names("sdk.lib", {}, runid=Names("sdk.lib.runid", {"generate_id": _HERE})),
    wandb_config=Names("sdk.wandb_config", {"Config": _TOP}),
    wandb_run=Names("sdk.wandb_run", _RUN),
    wandb_settings=Names("sdk.wandb_settings", {"Settings": _TOP}),
)
wandb_sdk = sdk
wandb_run = Names("wandb_run", _RUN)
