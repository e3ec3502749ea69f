"""What reads files and reckons charts needs no Textual, and a preview needs nothing that a file could bring along."""

import subprocess
import sys

import pytest

PURE = [
    "localart_tui.charts.drawing",
    "localart_tui.charts.view",
    "localart_tui.charts.sparkline",
    "localart_tui.previews.layout",
    "localart_tui.previews.opening",
    "localart_tui.pictures.cells",
    "localart_tui.pictures.protocols",
    "localart_tui.pictures.decoding",
    "localart_tui.data.contents",
    "localart_tui.data.metrics",
]


@pytest.mark.parametrize("name", PURE)
def test_it_is_imported_without_textual_rich_numpy_or_pillow(name):
    heavy = ["textual", "rich", "numpy", "PIL", "pyarrow", "pygments", "torch"]
    program = f"import sys, {name}; print([one for one in {heavy!r} if one in sys.modules])"

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert found.strip() == "[]"


def test_previewing_any_pickle_imports_none_of_what_it_names():
    program = (
        "import sys\n"
        "from localart_tui.previews.opening import open_preview\n"
        "from localart_tui.previews.source import BytesInMemory\n"
        "open_preview(BytesInMemory(b'cwave\\nWave_read\\n)R.'), 'x.pkl')\n"
        "print('wave' in sys.modules)"
    )

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert found.strip() == "False"
