import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from localart.media.histogram import Histogram


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.floats(-1e6, 1e6) | st.integers(-1000, 1000), max_size=60),
    st.sampled_from([1, 2, 3, 10, 64, 512]),
)
def test_counts_and_edges_are_numpys(values, bins):
    counts, edges = np.histogram(values, bins=bins)

    made = Histogram(values, num_bins=bins)

    assert made.bins == edges.tolist()
    assert made.histogram == counts.tolist()


@pytest.mark.parametrize(
    "values",
    [[1, 2, 3, 4], np.array([[1, 2], [3, 4]]), torch.tensor([1, 2, 3, 4]), (1, 2, 3, 4), [[1, 2], [3, 4]],
     [np.int64(1), np.float32(2), 3, 4], np.array([1, 2, 3, 4], dtype=object), range(1, 5)],
    ids=lambda values: type(values).__name__,
)  # fmt: skip
def test_numbers_come_in_any_container(values):
    assert Histogram(values, num_bins=2).histogram == [2, 2]


def test_a_histogram_of_numpy_is_taken_as_it_is():
    made = Histogram(np_histogram=np.histogram([1, 2, 3], bins=2))

    assert (made.histogram, made.bins) == ([1, 2], [1.0, 2.0, 3.0])
    assert made == Histogram(np_histogram=([1, 2], [1, 2, 3]))
    assert made == Histogram([1, 2, 3], num_bins=2)
    assert made != Histogram([1, 2, 4], num_bins=2)


def test_it_comes_back_equal_and_needs_no_file(shelf):
    made = Histogram([1, 2, 3], num_bins=2)

    assert made.to_run(shelf) == {"_type": "histogram", "values": [1, 2], "bins": [1.0, 2.0, 3.0]}
    assert shelf.files == {}
    assert shelf.again(made) == made
    assert hash(made) == hash(Histogram([1, 2, 3], num_bins=2))
    assert json.loads(json.dumps(made.to_json())) == made.to_json()


@pytest.mark.parametrize(
    "arguments",
    [
        {"sequence": [1], "num_bins": 513},
        {"sequence": [1], "num_bins": 0},
        {"sequence": [float("nan")]},
        {"sequence": [float("inf"), 1]},
        {"sequence": np.array([np.nan, 1])},
        {"sequence": [-1.7e308, 1.7e308]},
        {"np_histogram": ([1], [0])},
        {"np_histogram": ([1], [0, 1], 3)},
        {"np_histogram": ([1] * 513, [0] * 514)},
        {"np_histogram": ([1], [0, float("inf")])},
    ],
    ids=str,
)
def test_what_cannot_be_drawn_is_a_value_error(arguments):
    with pytest.raises(ValueError, match=r"histogram|bins"):
        Histogram(**arguments)


@pytest.mark.parametrize("sequence", [None, 5, "123", b"123", ["a"], [None], [1j], np.array(["a"])], ids=repr)
def test_what_is_no_number_is_a_type_error(sequence):
    with pytest.raises(TypeError):
        Histogram(sequence)


def test_bars_are_drawn_in_a_notebook():
    assert Histogram([1, 2, 2], num_bins=2)._repr_html_().count("<rect") == 2


def test_media_modules_load_no_heavy_package():
    code = (
        "import sys\n"
        "import localart.media.table, localart.media.histogram, localart.media.html, localart.media.audio\n"
        "import localart.media.video, localart.media.object3d, localart.media.molecule, localart.media.plotly\n"
        "import localart.media.classes, localart.media.image, localart.media.convert, localart.media.joined\n"
        "import localart.media.charts, localart.plot\n"
        "from localart.media.histogram import Histogram\n"
        "from localart.media.table import Table\n"
        "Histogram([1, 2, 3])\n"
        "Table(columns=['a'], data=[[1]])\n"
        "heavy = {'numpy', 'pandas', 'polars', 'torch', 'PIL', 'matplotlib', 'plotly', 'moviepy', 'rdkit',\n"
        "    'textual', 'click', 'sqlite_utils'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
