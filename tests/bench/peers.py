"""Who is measured: shell lines that keep the folder $SOURCE under $LABEL in $STORE, and bring it to $TARGET."""

import subprocess
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tool. `begin` makes an empty store; an empty line: nothing to do, or another peer's figure holds."""

    name: str
    version: str
    begin: str = ""
    log: str
    restore: str

    def version_text(self) -> str | None:
        """What exactly is measured; None when it is not on the PATH."""
        done = subprocess.run(["sh", "-c", self.version], capture_output=True, text=True, check=False)
        return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else None


_LOG = """
import os, localart
with localart.init(project='bench') as run:
    artifact = localart.Artifact('data', type='dataset')
    artifact.add_dir(os.environ['SOURCE'])
    run.log_artifact(artifact, aliases=['latest', os.environ['LABEL']])
"""
_RESTORE = """
import os, localart
localart.Api().artifact('bench/data:' + os.environ['LABEL']).download(os.environ['TARGET'])
"""
_PYTHON = 'LOCALART_SILENT=1 LOCALART_DIR="$STORE" LOCALART_CACHE_DIR="$STORE-cache" python -c'
_RESTIC = 'RESTIC_PASSWORD=bench RESTIC_REPOSITORY="$STORE" RESTIC_CACHE_DIR="$STORE-cache" restic --quiet'
_BORG = 'BORG_REPO="$STORE" BORG_BASE_DIR="$STORE-cache" borg'
_COPY = 'cp -r "$SOURCE" "$STORE/$LABEL"'
_COPY_BACK = 'cp -r "$STORE/$LABEL/." "$TARGET"'

PEERS = (
    Peer(
        name="localart",  # whatever this Python imports
        version="python -c 'import localart; print(localart.__version__)'",
        begin="python -c 'import localart; localart.init, localart.Api'",  # its bytecode, as installers make it
        log=f'{_PYTHON} "{_LOG}"',
        restore=f'{_PYTHON} "{_RESTORE}"',
    ),
    Peer(name="cp", version="cp --version", begin='mkdir "$STORE"', log=_COPY, restore=_COPY_BACK),
    Peer(
        name="cp+sync",  # a copy that survives a power cut, as a logged version does; nobody syncs a restore
        version="sync --version",
        begin='mkdir "$STORE"',
        log=f'{_COPY} && sync -f "$STORE"',
        restore="",
    ),
    Peer(
        name="restic",  # always encrypts
        version="restic version",
        begin=f"{_RESTIC} init --repository-version 2",
        log=f'cd "$SOURCE" && {_RESTIC} backup --tag "$LABEL" .',
        restore=f'{_RESTIC} restore latest --tag "$LABEL" --target "$TARGET"',
    ),
    Peer(
        name="borg",  # its default, lz4, stores more
        version="borg --version",
        begin=f"{_BORG} init --encryption none",
        log=f'cd "$SOURCE" && {_BORG} create --compression zstd,3 "::$LABEL" .',
        restore=f'mkdir -p "$TARGET" && cd "$TARGET" && {_BORG} extract "::$LABEL"',
    ),
)
