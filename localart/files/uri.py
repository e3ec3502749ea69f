"""Where a `file:` reference leads. As W&B reads them: everything after `file://` is the path, percent-decoded."""

import os
from urllib.parse import quote, unquote

from localart.errors import InvalidName
from localart.names import shown

_SCHEME = "file:"


def is_file_uri(uri: str) -> bool:
    """Whether `uri` names a file of this machine."""
    return uri[: len(_SCHEME)].lower() == _SCHEME


def local_path(uri: str) -> str:
    """The path a `file:` address means; `#` and `?` are part of it, for file names may hold them."""
    path = uri[len(_SCHEME) :].removeprefix("//")
    if path.startswith("localhost/"):
        path = path.removeprefix("localhost")
    path = unquote(path)
    if not path or "\0" in path:
        raise InvalidName(f"Reference {shown(uri)} names no file", hint="for example file:///data/x.csv")
    return path


def absolute_uri(uri: str) -> str:
    """`uri` as it stands, or its absolute form: a relative one would mean another file from another folder."""
    path = local_path(uri)
    return uri if os.path.isabs(path) else "file://" + quote(os.path.abspath(path))  # noqa: PTH100, PTH117


def uri_below(uri: str, path: str) -> str:
    """The address of the file at `path` in the folder `uri`."""
    return f"{uri.rstrip('/')}/{quote(path)}"
