"""Make the README's pictures of the browser: the demo in a scratch store, the real browser, one SVG a screen.

    python tests/tui/make_pictures.py [FOLDER]

The SVGs load nothing from the network: Textual's font links are taken out, and any monospaced font will do.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from browsing_app import browsing, press, ready

from localart_tui.places import Place

FOLDER = Path(__file__).with_name("pictures")
SIZE = (110, 30)
SIZES = {"lineage": (172, 14), "store": (110, 26)}
LARGEST_BYTES = 150_000
FONTS = "'Fira Code', 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"
PROJECT = "digits-demo"


def screens(runs):
    """File name: where, and what is pressed there."""
    train = [f"run:{PROJECT}/{run}" for run in runs["train"]]
    report = f"run:{PROJECT}/{runs['report'][0]}"
    return {
        "artifacts": (Place("artifacts", PROJECT), ()),
        "version": (Place("artifact", f"{PROJECT}/digits-preprocess:latest").at(tab="files"), ("down",)),
        "lineage": (Place("graph", f"{PROJECT}/digits-preprocess:v0"), ()),
        "runs": (Place("runs", PROJECT), ()),
        "charts": (Place("charts", train[0], tuple(train[1:2])), ()),
        "compare": (Place("compare", train[0], tuple(train[1:2])), ("2",)),
        "pictures": (Place("run", report).at(tab="files"), ()),
        "find": (Place("find"), tuple("digits")),
        "store": (Place("store"), ()),
    }


def plain_svg(svg):
    """Without web fonts, ids that change from time to time, and more digits than a picture needs."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family:[^;]*;", f"font-family: {FONTS};", svg)
    for number, name in enumerate(dict.fromkeys(re.findall(r"terminal-(\d+)", svg))):
        svg = svg.replace(f"terminal-{name}", f"terminal-{number}")
    svg = re.sub(r'(?<=")(\d+\.\d\d)\d+(?=")', r"\1", svg)
    strange = set(re.findall(r"https?://[^\s\"')]+", svg)) - {"http://www.w3.org/2000/svg"}
    links = [link for link in strange if "textualize.io" not in link]
    if links:
        raise SystemExit(f"the picture would load {links}")
    return re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)


def runs_by_job(store):
    """The ids of the demo's runs by job type, the newest first."""
    from localart import Api

    os.environ["LOCALART_DIR"] = str(store)
    found = {}
    for run in Api().runs(PROJECT):
        found.setdefault(run.job_type, []).append(run.id)
    return found


def make_demo(store):
    """The demo, and the demo with another recipe."""
    for more in ((), ("--change",)):
        command = [sys.executable, "-m", "localart", "demo", "--store", str(store), *more]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def take(store, folder, theme="localart-dark"):
    """One picture a screen; their names and sizes."""
    made = {}
    async with browsing(store, size=SIZE, theme=theme) as (app, pilot):
        for name, (place, keys) in screens(runs_by_job(store)).items():
            await pilot.resize_terminal(*SIZES.get(name, SIZE))
            app.open(place)
            await ready(pilot)
            await press(pilot, *keys)
            await pilot.pause(0.8)  # previews and charts come after the rest
            await ready(pilot)
            svg = plain_svg(app.export_screenshot(title=f"localart tui · {name}"))
            (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
            made[name] = len(svg.encode())
    return made


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        make_demo(store)
        for name, size in asyncio.run(take(store, folder)).items():
            print(f"{folder / name}.svg  {size / 1000:.0f} kB")
            if size > LARGEST_BYTES:
                raise SystemExit(f"{name} is larger than {LARGEST_BYTES} bytes")


if __name__ == "__main__":
    main()
