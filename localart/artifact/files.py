"""`Artifact.files()`: the files of a version as W&B's `File` objects."""

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, overload

from localart.artifact.entries import ArtifactEntry
from localart.names import shown

if TYPE_CHECKING:
    from localart.artifact.artifact import Artifact


class ArtifactFile:
    """One file of a version. A reference has its URI as `url`; a stored file has none, for there is no server."""

    def __init__(self, entry: ArtifactEntry) -> None:
        self._entry = entry

    def __repr__(self) -> str:
        return f"<File {self.name} ({self.mimetype}) {self.size:,} bytes>"

    @property
    def id(self) -> str:
        """Its address inside the store."""
        return self._entry.ref_url()

    @property
    def name(self) -> str:
        """The path inside the artifact."""
        return self._entry.path

    @property
    def size(self) -> int:
        """Bytes; 0 for a reference whose size is not known."""
        return self._entry.size or 0

    @property
    def digest(self) -> str:
        """BLAKE3 of the bytes, hex; of a reference, of what is known of it."""
        return self._entry.digest

    @cached_property
    def md5(self) -> str | None:
        """MD5 of the bytes in base64, computed when asked for; None for a reference."""
        if self._entry.ref is not None:
            return None
        import base64
        import hashlib
        import tempfile

        with tempfile.TemporaryFile() as content:
            self._entry.artifact.write_entry(self.name, content)
            content.seek(0)
            digest = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).digest()
        return base64.b64encode(digest).decode()

    @property
    def mimetype(self) -> str:
        """What the name says it is."""
        import mimetypes

        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def url(self) -> str:
        """Where a reference's bytes are; empty for a stored file."""
        return self._entry.ref or ""

    @property
    def direct_url(self) -> str:
        """As `url`."""
        return self.url

    @property
    def path_uri(self) -> str:
        """As `url`."""
        return self.url

    @property
    def storage_path(self) -> str:
        """What its bytes are kept under: their digest; empty for a reference, which is not kept."""
        return "" if self._entry.ref is not None else self.digest

    @property
    def updated_at(self) -> str:
        """When its version was logged, ISO-8601 UTC."""
        return self._entry.artifact.created_at

    def download(
        self,
        root: str | os.PathLike[str] = ".",
        replace: bool = False,
        exist_ok: bool = False,
        api: object = None,
    ) -> TextIOWrapper:
        """Bring it below `root`; the file there, open to be read as text.

        ValueError when a file is there already, unless `replace`, or `exist_ok` to leave it as it is.
        """
        del api
        place = Path(root) / self.name
        if os.path.lexists(place) and not replace:
            if not exist_ok:
                raise ValueError(f"{shown(str(place))} is there already. Pass replace=True or exist_ok=True")
        else:
            self._entry.download(root)
        return place.open()


class ArtifactFiles(Sequence[ArtifactFile]):
    """The files of a version, streamed when iterated over; `len()` and `[…]` read as far as they must."""

    def __init__(self, artifact: "Artifact", names: Sequence[str] | None) -> None:
        self._artifact = artifact
        self._names = None if names is None else frozenset(names)
        self._walk: Iterator[ArtifactFile] | None = None

    def __repr__(self) -> str:
        return f"<ArtifactFiles {self._artifact.qualified_name} ({len(self)})>"

    @property
    def path(self) -> list[str]:
        """Entity (empty), project and name of the artifact."""
        return [self._artifact.entity, self._artifact.project, self._artifact.name]

    def __iter__(self) -> Iterator[ArtifactFile]:
        for entry in self._artifact.manifest:
            if self._names is None or entry.path in self._names:
                yield ArtifactFile(entry)

    def __next__(self) -> ArtifactFile:
        if self._walk is None:
            self._walk = iter(self)
        return next(self._walk)

    def next(self) -> ArtifactFile:
        """The one after the last that was asked for."""
        return self.__next__()

    def __len__(self) -> int:
        return len(self._artifact.manifest) if self._names is None else sum(1 for _ in self)

    @overload
    def __getitem__(self, position: int) -> ArtifactFile: ...
    @overload
    def __getitem__(self, position: slice) -> list[ArtifactFile]: ...
    def __getitem__(self, position: int | slice) -> ArtifactFile | list[ArtifactFile]:
        return list(self)[position]
