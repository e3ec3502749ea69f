"""PyTorch's files since 1.6: a ZIP archive of one pickle and the raw tensors."""

from localart_tui.previews.archives import bomb_notes, list_members, member_table, read_member
from localart_tui.previews.opcodes import scan
from localart_tui.previews.pickles import PICKLE_BYTES, pickle_sections
from localart_tui.previews.record import Facts, Note, Preview, Section
from localart_tui.previews.source import ByteSource

_TORCHSCRIPT = "constants.pkl"


def read_torch_zip(source: ByteSource, _path: str) -> Preview:
    """The names, types and shapes of its tensors, and the code that loading would run."""
    members = list_members(source)
    total = sum(one.file_size for one in members)
    sections: list[Section] = [Facts((("members", f"{len(members):,}"), ("unpacked", f"{total:,} bytes")))]
    sections += bomb_notes(members)
    pickles = [one for one in members if one.filename.endswith("data.pkl")][:1]
    if not pickles:
        return Preview("ZIP archive", (*sections, member_table(members)))
    if any(one.filename.endswith(_TORCHSCRIPT) for one in members):
        sections.append(Note("a TorchScript model: it holds code of its own"))
    content = read_member(source, pickles[0], PICKLE_BYTES)
    if pickles[0].file_size > PICKLE_BYTES:
        sections.append(Note(f"the first {PICKLE_BYTES >> 20} MiB of its pickle were looked at"))
    sections += pickle_sections(scan(content, programs=1))
    return Preview("PyTorch file", (*sections, member_table(members)))
