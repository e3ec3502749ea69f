"""Which names may exist. Each `check_…` returns the name to store or raises `InvalidName`.

The rules are W&B's where it has one, and stricter where its own would let a name become a path, split
a line, or hide text from the reader: control characters, bidirectional controls and lone surrogates
are refused everywhere.
"""

import os
import re
import unicodedata
from dataclasses import dataclass

from localart.errors import InvalidName

MAX_NAME = 128
MAX_PATH_BYTES = 1024
MAX_COMPONENT_BYTES = 255
MAX_DEPTH = 64

_ARTIFACT_NAME = re.compile(r"[a-zA-Z0-9_\-.]+")
_VERSION = re.compile(r"v(0|[1-9][0-9]{0,8})", re.ASCII)
_VERSION_SHAPED = re.compile(r"[vV]\d+")
_TAG = re.compile(r"[-\w]+( +[-\w]+)*")
_RESERVED_TYPES = {"job"}
_PROJECT_FORBIDDEN = set("/\\#?%:")
_RUN_ID_FORBIDDEN = set(":;,#?/'\\")
_HIDDEN_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
_BIDI = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)}


def shown(text: str, limit: int = 80) -> str:
    """`text` quoted so that it is safe to print: nothing in it can move the cursor or hide."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "'" + "".join(_escape(char) for char in cut) + "'"


def _escape(char: str) -> str:
    if char in _BIDI or unicodedata.category(char) in _HIDDEN_CATEGORIES:
        return char.encode("unicode_escape", "surrogatepass").decode("ascii")
    return char


def _refuse_hidden(text: str, what: str) -> None:
    if text.isprintable():  # none of the refused categories is; a million paths come through here
        return
    for char in text:
        if char in _BIDI or unicodedata.category(char) in _HIDDEN_CATEGORIES:
            raise InvalidName(
                f"{what} {shown(text)} holds the invisible character {_escape(char)}",
                hint="use letters, digits, '-', '_' and '.'",
            )


def check_artifact_name(name: str) -> str:
    """1–128 of letters, digits, `-`, `_`, `.`; not `.` or `..`, for it becomes a folder."""
    if not isinstance(name, str) or not _ARTIFACT_NAME.fullmatch(name) or name in {".", ".."}:
        raise InvalidName(
            f"Artifact name {shown(str(name))} may hold only letters, digits, '-', '_' and '.'",
            hint="for example 'mnist-raw'",
        )
    if len(name) > MAX_NAME:
        raise InvalidName(f"Artifact name {shown(name)} is longer than {MAX_NAME} characters")
    return name


def check_artifact_type(kind: str, name: str) -> str:
    """Any text, except types reserved for what localart and W&B log by themselves."""
    if not isinstance(kind, str):
        raise TypeError(f"artifact type must be a str, not {type(kind).__name__}")
    _refuse_hidden(kind, "Artifact type")
    reserved = (
        kind in _RESERVED_TYPES
        or kind.startswith("wandb-")
        or (kind == "run_table" and name.startswith("run-"))
        or (kind == "code" and name.startswith("source-"))
    )
    if reserved:
        raise InvalidName(f"Artifact type {shown(kind)} is reserved", hint="for example 'dataset' or 'model'")
    return kind


def check_alias(alias: str) -> str:
    """Any short text without `/` and `:` that does not look like a version number."""
    if not isinstance(alias, str):
        raise TypeError(f"alias must be a str, not {type(alias).__name__}")
    if not alias or "/" in alias or ":" in alias or len(alias) > MAX_NAME:
        raise InvalidName(f"Alias {shown(alias)} must be 1–{MAX_NAME} characters without '/' and ':'")
    if _VERSION_SHAPED.fullmatch(alias):
        raise InvalidName(f"Alias {shown(alias)} looks like a version number", hint="choose another word")
    _refuse_hidden(alias, "Alias")
    return alias


def check_tag(tag: str) -> str:
    """Words of letters, digits, `_` and `-`, parted by spaces (W&B's rule)."""
    if not isinstance(tag, str):
        raise TypeError(f"tag must be a str, not {type(tag).__name__}")
    if not _TAG.fullmatch(tag):
        raise InvalidName(f"Tag {shown(tag)} may hold only letters, digits, '-', '_' and inner spaces")
    return tag


def check_project(project: str) -> str:
    r"""1–128 characters, none of `/ \ # ? % :`, not a path."""
    if not isinstance(project, str):
        raise TypeError(f"project must be a str, not {type(project).__name__}")
    if not project or len(project) > MAX_NAME or project in {".", ".."} or _PROJECT_FORBIDDEN & set(project):
        raise InvalidName(
            f"Project name {shown(project)} must be 1–{MAX_NAME} characters without / \\ # ? % :"
        )
    _refuse_hidden(project, "Project name")
    return project


def check_run_id(run_id: str) -> str:
    r"""1–128 characters, none of `: ; , # ? / ' \`."""
    if not isinstance(run_id, str):
        raise TypeError(f"run id must be a str, not {type(run_id).__name__}")
    if not run_id.strip() or len(run_id) > MAX_NAME or _RUN_ID_FORBIDDEN & set(run_id):
        raise InvalidName(f"Run id {shown(run_id)} must be 1–{MAX_NAME} characters without : ; , # ? / ' \\")
    _refuse_hidden(run_id, "Run id")
    return run_id


def check_label(text: str, what: str) -> str:
    """A one-line text shown to people (run name, group, job type): at most 1,024 printable characters."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str, not {type(text).__name__}")
    if len(text) > 1024:
        raise InvalidName(f"{what} {shown(text)} is longer than 1024 characters")
    _refuse_hidden(text, what)
    return text


def check_prose(text: str, what: str) -> str:
    """A text of any length and lines (notes, descriptions) that UTF-8 can hold, without NUL."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str, not {type(text).__name__}")
    if "\0" in text or not _is_utf8(text):
        raise InvalidName(f"{what} {shown(text)} holds characters that cannot be stored")
    return text


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_entry_path(path: str | os.PathLike[str]) -> str:
    """The stored form of a path inside an artifact: relative, `/`-separated, inside the artifact.

    `./x` → `x`, `a//b` → `a/b`, `x/` → `x`. Refused: empty, absolute, `..`, drives, backslashes, invisible
    characters, components over 255 bytes, paths over 1,024 bytes or 64 levels.
    """
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"a path inside an artifact must be a str, not {type(text).__name__}")
    if "\\" in text:
        raise InvalidName(f"Path {shown(text)} holds a backslash", hint="separate folders with '/'")
    if text.startswith("/") or re.match(r"[a-zA-Z]:(/|$)", text):
        raise InvalidName(f"Path {shown(text)} is absolute", hint="paths are relative to the artifact")
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if not parts:
        raise InvalidName(f"Path {shown(text)} names no file")
    if ".." in parts:
        raise InvalidName(f"Path {shown(text)} leaves the artifact", hint="'..' is not allowed")
    _refuse_hidden(text, "Path")
    _refuse_long(text, parts)
    return "/".join(parts)


def _refuse_long(text: str, parts: list[str]) -> None:
    if len(text) <= MAX_DEPTH and text.isascii():
        return
    if len(parts) > MAX_DEPTH:
        raise InvalidName(f"Path {shown(text)} is deeper than {MAX_DEPTH} folders")
    if len(text.encode()) > MAX_PATH_BYTES:
        raise InvalidName(f"Path {shown(text)} is longer than {MAX_PATH_BYTES} bytes")
    for part in parts:
        if len(part.encode()) > MAX_COMPONENT_BYTES:
            raise InvalidName(f"Path {shown(text)} has a name longer than {MAX_COMPONENT_BYTES} bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactAddress:
    """`[project/]name[:alias|vN]`, taken apart. `version` is set when the selector is a number."""

    project: str | None
    name: str
    selector: str
    version: int | None


def parse_address(text: str) -> ArtifactAddress:
    """Take `name`, `name:alias`, `name:vN`, `project/name:…` or `entity/project/name:…` apart.

    The entity is accepted and ignored: there is no server here that could have one.
    """
    if not isinstance(text, str):
        raise TypeError(f"an artifact name must be a str, not {type(text).__name__}")
    base, _, selector = text.partition(":")
    parts = base.split("/")
    if len(parts) > 3 or ":" in selector or (":" in text and not selector):
        raise InvalidName(
            f"{shown(text)} is not an artifact address", hint="use name:alias, name:v3 or project/name:alias"
        )
    name = check_artifact_name(parts[-1])
    project = check_project(parts[-2]) if len(parts) > 1 else None
    return ArtifactAddress(
        project=project, name=name, selector=selector or "latest", version=version_number(selector)
    )


def version_number(selector: str) -> int | None:
    """3 for `v3`; None for an alias.

    Only plain ASCII digits count (`int` would take full-width digits or `v1_0`).
    """
    match = _VERSION.fullmatch(selector)
    return int(match[1]) if match else None
