"""PyTorch's files since 1.6: a ZIP archive of one pickle and the raw tensors."""

from localart_tui.previews.archives import bomb_notes, list_members, member_table, read_member
from localart_tui.previews.opcodes import scan
from localart_tui.previews.pickles import PICKLE_BYTES, pickle_sections
from localart_tui.previews.record import Facts, Note, Preview, Section, Weight
from localart_tui.previews.source import ByteSource

MOST_PICKLES = 5
_TORCHSCRIPT = "constants.pkl"


def read_torch_zip(source: ByteSource, _path: str) -> Preview:
    """The names, types and shapes of its tensors, and the code that loading would run."""
    members = list_members(source)
    total = sum(one.file_size for one in members)
    sections: list[Section] = [Facts((("members", f"{len(members):,}"), ("unpacked", f"{total:,} bytes")))]
    sections += bomb_notes(members)
    pickles = [one for one in members if one.filename.endswith(".pkl")]
    if not pickles:
        return Preview("ZIP archive", (*sections, member_table(members)))
    if any(one.filename.endswith(_TORCHSCRIPT) for one in members):
        sections.append(Note("a TorchScript model: it holds code of its own", Weight.WARNING))
    if len(pickles) > MOST_PICKLES:
        sections.append(
            Note(f"only {MOST_PICKLES} of its {len(pickles):,} pickles were looked at", Weight.WARNING)
        )
    for member in pickles[:MOST_PICKLES]:
        sections += pickle_sections(scan(read_member(source, member, PICKLE_BYTES), programs=1))
    return Preview("PyTorch file", (*sections, member_table(members)))
