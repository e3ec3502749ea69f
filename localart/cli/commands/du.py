"""`localart du`: where the store's bytes go, and what deleting would free."""

from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_place
from localart.cli.figures import size_text
from localart.cli.tables import Column

if TYPE_CHECKING:
    from localart.catalog.usage import CodecUsage, Usage
    from localart.repository import Repository

_BYTES = (
    Column(title="LOGICAL", right=True),
    Column(title="UNIQUE", right=True),
    Column(title="STORED", right=True),
    Column(title="SHARED", right=True),
    Column(title="EXCLUSIVE", right=True),
)
_ARTIFACTS = (
    Column(title="ARTIFACT", shrinks=True, least=16),
    Column(title="TYPE", shrinks=True),
    Column(title="VERSIONS", right=True),
    *_BYTES,
)
_VERSIONS = (Column(title="VERSION"), Column(title="FILES", right=True), *_BYTES)
_CODECS = (
    Column(title="STORED AS"),
    Column(title="FRAMES", right=True),
    Column(title="RAW", right=True),
    Column(title="STORED", right=True),
)


@command("du", examples=("localart du", "localart du digits-demo/worst-digits"))
@click.argument("place", required=False, metavar="[PROJECT | [PROJECT/]NAME]", shell_complete=complete_place)
def du_command(call: Call, place: str | None) -> None:
    """Show where the bytes go.

    Without an argument, or for a PROJECT: the artifacts. NAME: its versions. LOGICAL is what it would take to write
    everything out, UNIQUE each piece once, STORED the same compressed, SHARED what others need too, EXCLUSIVE what
    deleting it would free.
    """
    from localart.catalog.usage import artifact_usage, codec_usage, version_usage
    from localart.operations.resolve import resolve_artifact

    repository = call.open()
    connection = repository.read()
    if place is not None and not _is_project(repository, place):
        artifact = resolve_artifact(repository, place, project=None)
        _show(call, version_usage(connection, artifact.id), [])
        return
    project = None if place is None else _project(call, place.rstrip("/"))
    codecs = codec_usage(connection) if project is None else []
    _show(call, artifact_usage(connection, project=project), codecs)


def _is_project(repository: "Repository", place: str) -> bool:
    """Whether a project is meant: by a slash at the end, or because nothing else is called so."""
    from localart.catalog.artifacts import find_named
    from localart.catalog.projects import find_project

    if place.endswith("/"):
        return True
    if "/" in place or find_named(repository.read(), place):
        return False
    return find_project(repository.read(), place) is not None


def _project(call: Call, name: str) -> str:
    from localart.catalog.projects import find_project
    from localart.errors import ProjectNotFound
    from localart.names import shown

    if find_project(call.open().read(), name) is None:
        raise ProjectNotFound(f"No project {shown(name)}", hint="`localart ls` lists what is there")
    return name


def _show(call: Call, usages: "list[Usage]", codecs: "list[CodecUsage]") -> None:
    console = call.console
    if console.as_json:
        document = {"usage": [_document(usage) for usage in usages]}
        if codecs:
            document["codecs"] = [_codec_document(codec) for codec in codecs]
        console.document(document)
        return
    if not usages:
        console.say("nothing is stored there")
        return
    by_version = usages[0].version is not None
    console.table(_VERSIONS if by_version else _ARTIFACTS, map(_row, usages))
    if codecs:
        console.line()
        console.table(_CODECS, map(_codec_row, codecs))


def _row(usage: "Usage") -> tuple[str, ...]:
    head = (
        (f"{usage.project}/{usage.artifact}", usage.type, f"{usage.version_count:,}")
        if usage.version is None
        else (f"v{usage.version}", f"{usage.file_count:,}")
    )
    figures = (
        usage.logical_bytes, usage.unique_bytes, usage.stored_bytes, usage.shared_bytes, usage.exclusive_bytes,
    )  # fmt: skip
    return (*head, *map(size_text, figures))


def _codec_row(codec: "CodecUsage") -> tuple[str, ...]:
    return (
        codec_name(codec),
        f"{codec.frame_count:,}",
        size_text(codec.raw_bytes),
        size_text(codec.stored_bytes),
    )


_CODEC_NAMES = {
    "RAW": "as it is",
    "ZSTD": "zstd",
    "PLANES2": "zstd, bytes of 2-byte numbers apart",
    "PLANES4": "zstd, bytes of 4-byte numbers apart",
    "DELTA1": "difference of bytes",
    "DELTA2": "difference of 2-byte numbers",
    "DELTA4": "difference of 4-byte numbers",
    "MIXED": "difference of some tensors",
}


def codec_name(codec: "CodecUsage") -> str:
    """How the bytes are stored, in words."""
    from localart.store import Codec

    return _CODEC_NAMES.get(Codec(codec.codec).name, f"codec {codec.codec}")


def _document(usage: "Usage") -> dict[str, object]:
    number = {} if usage.version is None else {"version": f"v{usage.version}"}
    return {
        "project": usage.project,
        "artifact": usage.artifact,
        "type": usage.type,
        **number,
        "version_count": usage.version_count,
        "file_count": usage.file_count,
        "logical_bytes": usage.logical_bytes,
        "unique_bytes": usage.unique_bytes,
        "stored_bytes": usage.stored_bytes,
        "shared_bytes": usage.shared_bytes,
        "exclusive_bytes": usage.exclusive_bytes,
    }


def _codec_document(codec: "CodecUsage") -> dict[str, object]:
    from localart.store import Codec

    return {
        "codec": Codec(codec.codec).name.lower(),
        "frame_count": codec.frame_count,
        "raw_bytes": codec.raw_bytes,
        "stored_bytes": codec.stored_bytes,
    }
