"""Who is measured: shell lines that keep the folder $SOURCE under $LABEL in $STORE, and bring it to $TARGET.

Python's tools each have an environment of their own in $PEERS, where `install` puts them.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_INSTALLED = ("dvc", "mlflow", "wandb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tool. `begin` makes an empty store; an empty line: nothing to do, or another peer's figure holds.

    `stage` and `unstage` come before a log and a restore, untimed: a tool that keeps what lies in its own folder is
    given a copy there, and one that would skip what stands is given an empty target. `holds` is the part of the
    store that counts as stored.
    """

    name: str
    version: str
    begin: str = ""
    stage: str = ""
    log: str
    unstage: str = ""
    restore: str
    holds: str = ""
    is_slow: bool = False

    def version_text(self, folder: Path) -> str | None:
        """What exactly is measured; None when it is neither on the PATH nor in `folder`."""
        done = subprocess.run(
            ["sh", "-c", self.version],
            capture_output=True, text=True, check=False, env=os.environ | {"PEERS": str(folder)},
        )  # fmt: skip
        return done.stdout.partition("\n")[0].strip() if done.returncode == 0 else None


def install(folder: Path) -> None:
    """Make an environment in `folder` for each of Python's tools that has none; what pip refuses is left out."""
    for name in _INSTALLED:
        home = folder / name
        if (home / "bin" / name).exists():
            continue
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", name], check=False)


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
_CASYNC = '--store="$STORE/all.castr" --with=unix'
_DVC = (
    'cd "$STORE" && DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$STORE-site" DVC_GLOBAL_CONFIG_DIR="$STORE-config"'
    ' "$PEERS/dvc/bin/dvc"'
)
_MLFLOW = (
    'mkdir -p "$STORE" && cd "$STORE" && MLFLOW_DISABLE_TELEMETRY=true GIT_PYTHON_REFRESH=quiet'
    ' MLFLOW_TRACKING_URI="sqlite:///$STORE/mlflow.db" "$PEERS/mlflow/bin/python" -c'
)
_MLFLOW_BEGIN = """
import mlflow, os
mlflow.create_experiment('bench', artifact_location='file://' + os.environ['STORE'] + '/artifacts')
"""
_MLFLOW_LOG = """
import mlflow, os
mlflow.set_experiment('bench')
with mlflow.start_run(run_name=os.environ['LABEL']):
    mlflow.log_artifacts(os.environ['SOURCE'])
"""
_MLFLOW_RESTORE = """
import mlflow, os
found = [
    run for run in mlflow.search_runs(experiment_names=['bench'], output_format='list')
    if run.info.run_name == os.environ['LABEL']
]
os.makedirs(os.environ['TARGET'])
mlflow.artifacts.download_artifacts(run_id=found[0].info.run_id, artifact_path='', dst_path=os.environ['TARGET'])
"""
_WANDB = (
    'mkdir -p "$STORE" && WANDB_MODE=offline WANDB_SILENT=true WANDB_ERROR_REPORTING=false WANDB_DIR="$STORE"'
    ' WANDB_CACHE_DIR="$STORE/cache" WANDB_DATA_DIR="$STORE/data" WANDB_CONFIG_DIR="$STORE/config"'
    ' "$PEERS/wandb/bin/python" -c'
)
_WANDB_LOG = """
import os, wandb
with wandb.init(project='bench', settings=wandb.Settings(console='off')) as run:
    artifact = wandb.Artifact('data', type='dataset')
    artifact.add_dir(os.environ['SOURCE'])
    run.log_artifact(artifact, aliases=['latest', os.environ['LABEL']])
"""
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
    Peer(
        name="casync",
        version="casync --version",
        begin='mkdir "$STORE"',
        log=f'casync make {_CASYNC} "$STORE/$LABEL.caidx" "$SOURCE"',
        unstage='rm -rf "$TARGET"',
        restore=f'casync extract {_CASYNC} "$STORE/$LABEL.caidx" "$TARGET"',
        is_slow=True,
    ),
    Peer(
        name="dvc",
        version='"$PEERS/dvc/bin/dvc" --version',
        begin=f'mkdir "$STORE" && {_DVC} init -q --no-scm',
        stage='rm -rf "$STORE/data" && cp -r "$SOURCE" "$STORE/data"',
        log=f'{_DVC} add -q data && cp data.dvc "$LABEL.saved"',
        unstage='cd "$STORE" && rm -rf data "$TARGET" && cp "$LABEL.saved" data.dvc',
        restore=f'{_DVC} checkout -q data.dvc && mv data "$TARGET"',
        holds=".dvc",
        is_slow=True,
    ),
    Peer(
        name="mlflow",
        version='"$PEERS/mlflow/bin/mlflow" --version',
        begin=f'{_MLFLOW} "{_MLFLOW_BEGIN}"',
        log=f'{_MLFLOW} "{_MLFLOW_LOG}"',
        unstage='rm -rf "$TARGET"',
        restore=f'{_MLFLOW} "{_MLFLOW_RESTORE}"',
        is_slow=True,
    ),
    Peer(
        name="wandb",  # offline, which keeps what a later sync would send; it brings nothing back
        version='"$PEERS/wandb/bin/wandb" --version',
        log=f'{_WANDB} "{_WANDB_LOG}"',
        restore="",
        is_slow=True,
    ),
)
