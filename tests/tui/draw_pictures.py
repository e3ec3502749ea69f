"""The pictures in the README: `python tests/tui/draw_pictures.py`.

Runs the demo into a scratch store, opens pages of the browser on it without a terminal, and writes them as SVG to
`pictures/` beside this file. Nothing in them is fetched from anywhere: the fonts are the reader's own.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from browsing_app import browsing, press

from localart_tui.data.store import open_store
from localart_tui.data.targets import find_place

PICTURES = Path(__file__).parent / "pictures"
_FONT_FACES = re.compile(r"@font-face \{[^}]*\}\s*")

_SECONDS_TO_DRAW = 2.0
PAGES = (
    ("artifacts", "digits-demo", (), (130, 22)),
    ("lineage", "lineage:trained-digits-net:latest", (), (158, 12)),
    ("charts", "RUN", ("4",), (120, 30)),
    ("pictures", "worst-digits:latest", ("4", "enter", "down", "enter", "down", "down"), (130, 34)),
)


def main() -> None:
    """Draw every page."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        environ = os.environ | {"LOCALART_DIR": str(store), "LOCALART_SILENT": "1"}
        demo = [sys.executable, "-m", "localart", "demo"]
        for more in ([], ["--change"]):
            subprocess.run([*demo, *more], cwd=folder, env=environ, check=True, stdout=subprocess.DEVNULL)
        train = subprocess.run(
            [sys.executable, "-m", "localart", "sql", "SELECT run FROM runs_view WHERE job_type = 'train'", "--csv"],
            cwd=folder, env=environ, check=False, capture_output=True, text=True,
        )  # fmt: skip
        run = train.stdout.split()[-1] if train.stdout.split() else ""
        for name, target, keys, size in PAGES:
            asyncio.run(_draw(store, name, target.replace("RUN", f"run:{run}"), keys, size))


async def _draw(store: Path, name: str, target: str, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    opened = open_store(store)
    try:
        place = find_place(opened, target, project=None)
    finally:
        opened.close()
    async with browsing(store, place, size=size) as (app, pilot):
        await press(pilot, *keys)
        await pilot.pause(_SECONDS_TO_DRAW)
        picture = app.export_screenshot(title="localart tui")
    (PICTURES / f"{name}.svg").write_text(_FONT_FACES.sub("", picture))


if __name__ == "__main__":
    main()
