"""Which names may exist. Each `check_…` returns the name to store or raises `InvalidName`.

The rules are W&B's where it has one, and stricter where its own would let a name become a path, split
a line, or hide text from the reader: control characters, bidirectional controls and lone surrogates
are refused everywhere.
"""

import os
import re
import unicodedata

from localart.errors import InvalidName
from localart.records import dataclass

MAX_NAME = 128
MAX_LABEL = 1024
MAX_PROSE = 1_000_000
MAX_PATH_BYTES = 1024
MAX_COMPONENT_BYTES = 255
MAX_URI = 8192
MAX_DEPTH = 64

_ARTIFACT_NAME = re.compile(r"[a-zA-Z0-9_\-.]+")
_VERSION = re.compile(r"v(0|[1-9][0-9]{0,8})", re.ASCII)
_VERSION_SHAPED = re.compile(r"[vV]\d+")
_TAG = re.compile(r"[-\w]+( +[-\w]+)*")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:")
_RESERVED_TYPES = {"job"}
_PROJECT_FORBIDDEN = set("/\\#?%:")
_RUN_ID_FORBIDDEN = set(":;,#?/'\\")
# What parts an alias from a moment: `best@2026-09-01`, `best@2026-09-01T12:00`, with a zone at the end or without.
_MOMENT = re.compile(
    r"(.+)@(\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?)", re.ASCII | re.DOTALL
)
_PLAIN_PATH = re.compile(r"[a-zA-Z0-9_-][a-zA-Z0-9_.-]*(?:/[a-zA-Z0-9_-][a-zA-Z0-9_.-]*)*")
_SHORTER = "choose shorter names"
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Format characters that are seen: joiners shape emoji and Persian words, the others stand around Arabic numbers.
_SHAPING = {
    chr(code) for code in (0x200C, 0x200D, *range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2)
}


def shown(text: str, limit: int = 80) -> str:
    """`text` quoted so that it is safe to print: nothing in it can move the cursor or hide."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    if cut.isprintable():
        return f"'{cut}'"
    return "'" + "".join(_escape(char) for char in cut) + "'"


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN_CATEGORIES and char not in _SHAPING


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii") if _is_hidden(char) else char


def _refuse_hidden(text: str, what: str) -> None:
    if text.isprintable():  # none of the refused categories is; a million paths come through here
        return
    for char in text:
        if unicodedata.category(char) == "Cs":  # so Python reads a file name of other bytes
            raise InvalidName(f"{what} {shown(text)} is not UTF-8", hint="spell it in UTF-8")
        if _is_hidden(char):
            raise InvalidName(
                f"{what} {shown(text)} holds the invisible character {_escape(char)}", hint="leave it out"
            )


def check_artifact_name(name: str) -> str:
    """1–128 of letters, digits, `-`, `_`, `.`; not `.` or `..`, for it becomes a folder."""
    if not isinstance(name, str) or not _ARTIFACT_NAME.fullmatch(name) or name in {".", ".."}:
        raise InvalidName(
            f"Artifact name {shown(str(name))} may hold only letters, digits, '-', '_' and '.'",
            hint="for example 'mnist-raw'",
        )
    if len(name) > MAX_NAME:
        raise InvalidName(
            f"Artifact name {shown(name)} is longer than {MAX_NAME} characters", hint="choose a shorter one"
        )
    return name


def check_collection_name(name: str) -> str:
    """A portfolio's name: W&B's registries take any text but `/` and `:`, and it never becomes a folder."""
    if not isinstance(name, str):
        raise TypeError(f"a collection's name must be a str, not {type(name).__name__}")
    if name != name.strip() or not name or set("/:\\") & set(name) or name in {".", ".."}:
        raise InvalidName(
            f"Collection name {shown(name)} may not hold '/', ':' or '\\', or begin or end with a space",
            hint="for example 'churn-model'",
        )
    if len(name) > MAX_NAME:
        raise InvalidName(
            f"Collection name {shown(name)} is longer than {MAX_NAME} characters", hint="choose a shorter one"
        )
    _refuse_hidden(name, "Collection name")
    return name


def check_artifact_type(kind: str, name: str) -> str:
    """Any text, except types reserved for what localart and W&B log by themselves."""
    if not isinstance(kind, str):
        raise TypeError(f"artifact type must be a str, not {type(kind).__name__}")
    check_label(kind, "Artifact type")
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
        raise InvalidName(
            f"Alias {shown(alias)} must be 1–{MAX_NAME} characters without '/' and ':'",
            hint="for example 'best'",
        )
    if _MOMENT.fullmatch(alias):
        raise InvalidName(f"Alias {shown(alias)} ends like a moment in time", hint="leave the date out")
    if _VERSION_SHAPED.fullmatch(alias):
        raise InvalidName(f"Alias {shown(alias)} looks like a version number", hint="choose another word")
    _refuse_hidden(alias, "Alias")
    return alias


def check_tag(tag: str) -> str:
    """A version's tag: words of letters, digits, `_` and `-`, parted by spaces (W&B's rule)."""
    if not isinstance(tag, str):
        raise TypeError(f"tag must be a str, not {type(tag).__name__}")
    if len(tag) > MAX_NAME or not _TAG.fullmatch(tag):
        raise InvalidName(
            f"Tag {shown(tag)} must be 1–{MAX_NAME} letters, digits, '-', '_' and inner spaces",
            hint="for example 'needs-review'",
        )
    return tag


def check_run_tag(tag: str) -> str:
    """A run's tag: 1–128 characters that can be seen. W&B lets a run's tags say more (`lr=0.1`) than a version's."""
    if not isinstance(tag, str):
        raise TypeError(f"tag must be a str, not {type(tag).__name__}")
    if not tag.strip() or len(tag) > MAX_NAME:
        raise InvalidName(f"Tag {shown(tag)} must be 1–{MAX_NAME} characters", hint="for example 'baseline'")
    _refuse_hidden(tag, "Tag")
    return tag


def check_project(project: str) -> str:
    r"""1–128 characters, none of `/ \ # ? % :`, not a path."""
    if not isinstance(project, str):
        raise TypeError(f"project must be a str, not {type(project).__name__}")
    if not project or len(project) > MAX_NAME or project in {".", ".."} or _PROJECT_FORBIDDEN & set(project):
        raise InvalidName(
            f"Project name {shown(project)} must be 1–{MAX_NAME} characters without / \\ # ? % :",
            hint="for example 'mnist'",
        )
    _refuse_hidden(project, "Project name")
    return project


def check_run_id(run_id: str) -> str:
    r"""1–128 characters, none of `: ; , # ? / ' \`, no space at either end."""
    if not isinstance(run_id, str):
        raise TypeError(f"run id must be a str, not {type(run_id).__name__}")
    if not run_id or len(run_id) > MAX_NAME or _RUN_ID_FORBIDDEN & set(run_id) or run_id != run_id.strip():
        raise InvalidName(
            f"Run id {shown(run_id)} must be 1–{MAX_NAME} characters without : ; , # ? / ' \\ and outer spaces",
            hint="leave it out to get one",
        )
    _refuse_hidden(run_id, "Run id")
    return run_id


def check_label(text: str, what: str) -> str:
    """A one-line text shown to people (run name, group, job type): at most 1,024 printable characters."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str, not {type(text).__name__}")
    if len(text) > MAX_LABEL:
        raise InvalidName(
            f"{what} {shown(text)} is longer than {MAX_LABEL} characters", hint="choose a shorter one"
        )
    _refuse_hidden(text, what)
    return text


def check_prose(text: str, what: str) -> str:
    """A text of many lines (notes, descriptions) that UTF-8 can hold, without NUL: at most a million characters."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str, not {type(text).__name__}")
    if len(text) > MAX_PROSE:
        raise InvalidName(
            f"{what} of {len(text):,} characters is longer than {MAX_PROSE:,}", hint="add it as a file"
        )
    if "\0" in text or not is_storable(text):
        raise InvalidName(
            f"{what} {shown(text)} holds characters that cannot be stored",
            hint="leave out NUL and surrogates",
        )
    return text


def is_storable(text: str) -> bool:
    """Whether UTF-8 can hold `text`: no half of a character pair."""
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
    if len(text) <= MAX_DEPTH and _PLAIN_PATH.fullmatch(text):
        return text  # most paths, and there may be a million
    if "\\" in text:
        raise InvalidName(f"Path {shown(text)} holds a backslash", hint="separate folders with '/'")
    if text.startswith("/") or re.match(r"[a-zA-Z]:(/|$)", text):
        raise InvalidName(f"Path {shown(text)} is absolute", hint="paths are relative to the artifact")
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if not parts:
        raise InvalidName(f"Path {shown(text)} names no file", hint="for example 'train/labels.csv'")
    if ".." in parts:
        raise InvalidName(f"Path {shown(text)} leaves the artifact", hint="'..' is not allowed")
    _refuse_hidden(text, "Path")
    _refuse_long(text, parts)
    return "/".join(parts)


def _refuse_long(text: str, parts: list[str]) -> None:
    if len(text) <= MAX_DEPTH and text.isascii():
        return
    if len(parts) > MAX_DEPTH:
        raise InvalidName(f"Path {shown(text)} is deeper than {MAX_DEPTH} folders", hint=_SHORTER)
    if len(text.encode()) > MAX_PATH_BYTES:
        raise InvalidName(f"Path {shown(text)} is longer than {MAX_PATH_BYTES} bytes", hint=_SHORTER)
    for part in parts:
        if len(part.encode()) > MAX_COMPONENT_BYTES:
            raise InvalidName(
                f"Path {shown(text)} has a name longer than {MAX_COMPONENT_BYTES} bytes", hint=_SHORTER
            )


def check_uri(uri: str) -> str:
    """A reference's address: one line of at most 8,192 characters that begins with a scheme (`s3:`)."""
    if not isinstance(uri, str):
        raise TypeError(f"a reference must be a str, not {type(uri).__name__}")
    if len(uri) > MAX_URI:
        raise InvalidName(
            f"Reference {shown(uri)} is longer than {MAX_URI} characters", hint="reference its folder instead"
        )
    _refuse_hidden(uri, "Reference")
    if not _SCHEME.match(uri):
        raise InvalidName(
            f"Reference {shown(uri)} has no scheme", hint="for example file:///data/x.csv or s3://bucket/key"
        )
    return uri


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactAddress:
    """`[project/]name[:alias|vN]`, taken apart. `version` is set when the selector is a number.

    `moment` is set when the address asks what an alias pointed to at some time: `alias@2026-09-01T12:00`.
    """

    project: str | None
    name: str
    selector: str
    version: int | None
    moment: str | None = None


def parse_address(text: str) -> ArtifactAddress:
    """Take `name`, `name:alias`, `name:vN`, `project/name:…` or `entity/project/name:…` apart.

    The entity is accepted and ignored: there is no server here that could have one. What ends in `@` and a date (and
    a time) is an alias at that moment; a time without a zone is local, a date alone is its first moment.
    """
    if not isinstance(text, str):
        raise TypeError(f"an artifact name must be a str, not {type(text).__name__}")
    base, _, selector = text.partition(":")
    at = _MOMENT.fullmatch(selector)
    moment = None if at is None else at[2]
    selector = selector if at is None else at[1]
    parts = base.split("/")
    if len(parts) > 3 or ":" in selector or (":" in text and not selector):
        raise InvalidName(
            f"{shown(text)} is not an artifact address", hint="use name:alias, name:v3 or project/name:alias"
        )
    _refuse_hidden(text, "Address")
    if base.endswith("/"):
        raise InvalidName(f"{shown(text)} names no artifact", hint="add its name, as in project/name")
    name = check_collection_name(parts[-1])
    project = check_project(parts[-2]) if len(parts) > 1 else None
    number = version_number(selector)
    if number is not None and moment is not None:
        raise InvalidName(
            f"{shown(text)} asks when, but a number always names the same version", hint="leave it out"
        )
    return ArtifactAddress(
        project=project, name=name, selector=selector or "latest", version=number, moment=moment
    )


def version_number(selector: str) -> int | None:
    """3 for `v3`; None for an alias.

    Only plain ASCII digits count (`int` would take full-width digits or `v1_0`).
    """
    match = _VERSION.fullmatch(selector)
    return int(match[1]) if match else None
