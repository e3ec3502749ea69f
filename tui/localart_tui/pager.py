"""A stored file in the user's pager, outside of the browser."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from localart.errors import LocalartError
from localart.model import BlobRef
from localart_tui.text import size_text
from localart_tui.ui import notify

if TYPE_CHECKING:
    from pathlib import Path

    from localart_tui.app import LocalartApp
    from localart_tui.data.files import FileLine
    from localart_tui.data.store import Store

MOST_BYTES = 64 << 20


def page_file(app: LocalartApp, store: Store, file: FileLine) -> None:
    """Leave the screen to `$PAGER` (or `less`) with a private copy of the file, which is removed afterwards.

    The pager is told to obey no escape sequence of the file and to start no other program.
    """
    if file.uri:
        notify(app, "not opened: its bytes are elsewhere; `localart get` has it", severity="warning")
    else:
        page_blob(app, store, BlobRef(file.digest, file.size_bytes))


def page_blob(app: LocalartApp, store: Store, blob: BlobRef) -> None:
    """As `page_file`, for stored bytes."""
    if blob.size_bytes > MOST_BYTES:
        notify(app, f"not opened: it is larger than {size_text(MOST_BYTES)}", severity="warning")
        return
    import tempfile
    from pathlib import Path

    from textual.app import SuspendNotSupported

    with tempfile.TemporaryDirectory(prefix="localart-") as folder:
        copy = Path(folder) / "file"
        try:
            copy.write_bytes(store.repository.read_blob(blob))
            with app.suspend():
                _run_pager(copy)
        except LocalartError as error:
            notify(app, error.message, severity="error")
        except (OSError, SuspendNotSupported) as error:
            notify(app, f"the pager could not be started: {error}", severity="error")
    app.refresh()


def _run_pager(file: Path) -> None:
    import subprocess

    command = shlex.split(os.environ.get("PAGER", "")) or ["less"]
    environ = {**os.environ, "LESSSECURE": "1", "LESS": "", "LESSOPEN": "", "LESSCLOSE": ""}
    subprocess.run([*command, str(file)], env=environ, check=False)  # noqa: S603  # the user's own program
