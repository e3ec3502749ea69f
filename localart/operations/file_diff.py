"""One stored file against another: their texts line by line, or why that cannot be."""

from localart.errors import ArtifactNotFound
from localart.model import BlobRef, Entry, VersionRecord
from localart.names import check_entry_path, shown
from localart.operations.text_diff import MOST_BYTES, unified_diff
from localart.records import dataclass
from localart.repository import Repository

_SNIFFED = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDiff:
    """The lines of a unified diff; `why_not` says why there are none though the contents differ."""

    lines: tuple[str, ...] = ()
    why_not: str = ""


def diff_texts(
    repository: Repository, before: Entry | None, after: Entry | None, *, names: tuple[str, str]
) -> TextDiff:
    """The unified diff of two files of at most 1 MiB each; None stands for a file that is not there.

    BlobMissing and BlobDamaged when the store does not hold what it should.
    """
    there = [entry for entry in (before, after) if entry is not None]
    if any(entry.reference is not None for entry in there):
        return TextDiff(why_not="its bytes are elsewhere, and nothing is fetched")
    if any(entry.size_bytes > MOST_BYTES for entry in there):
        return TextDiff(why_not="it is larger than 1 MiB")
    contents = [_content(repository, entry) for entry in (before, after)]
    if not all(map(is_text, contents)):
        return TextDiff(why_not="it is no text")
    old, new = (_lines_of(content) for content in contents)
    names = ("/dev/null" if before is None else names[0], "/dev/null" if after is None else names[1])
    lines = unified_diff(old, new, names=names)
    if not lines and contents[0] != contents[1]:
        return TextDiff(why_not="the texts read alike, but are coded differently")
    return TextDiff(lines=tuple(lines))


def _content(repository: Repository, entry: Entry | None) -> bytes:
    return b"" if entry is None else repository.read_blob(BlobRef(entry.digest, entry.size_bytes))


def is_text(content: bytes) -> bool:
    """Whether bytes read as UTF-8 (or UTF-16 that says so) and hold no NUL."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    some = content[:_SNIFFED].decode("utf-8", "replace")
    return "\0" not in some and some.count("\ufffd") * 10 <= len(some)


def _lines_of(content: bytes) -> list[str]:
    """Its lines; they end at line feeds only. A last one without an end says so, as in diff."""
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    lines = content.decode("utf-16" if is_wide else "utf-8", "replace").split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def entry_of(repository: Repository, version: VersionRecord, path: str) -> Entry | None:
    """The file at `path` in the version, checked against its digest, or None."""
    from localart.catalog import manifests

    connection = repository.read()
    return manifests.find_entry(connection, manifests.get_manifest(connection, version.manifest_id), path)


def diff_path(repository: Repository, before: VersionRecord, after: VersionRecord, path: str) -> TextDiff:
    """As `diff_texts`, of the file at `path` in two versions; ArtifactNotFound when neither has it."""
    wanted = check_entry_path(path)
    entries = [entry_of(repository, version, wanted) for version in (before, after)]
    if entries == [None, None]:
        raise ArtifactNotFound(
            f"Neither version has a file {shown(path)}",
            hint=f"`localart diff {before.full_name} {after.full_name} --files --all` lists their files",
        )
    if entries[0] is not None and entries[1] is not None and entries[0].digest == entries[1].digest:
        return TextDiff()
    names = (f"{before.full_name}/{wanted}", f"{after.full_name}/{wanted}")
    return diff_texts(repository, entries[0], entries[1], names=names)
