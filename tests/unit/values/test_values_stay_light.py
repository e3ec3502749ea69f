import subprocess
import sys


def test_none_of_the_value_modules_loads_a_heavy_package():
    code = (
        "import sys\n"
        "import localart.jsonable, localart.reporter, localart.media, localart.media.image\n"
        "import localart.runs.configuration, localart.runs.summary_values, localart.runs.run_names\n"
        "from localart.runs.configuration import Config\n"
        "from localart.runs.summary_values import Summary\n"
        "from localart.media import Image\n"
        "config = Config({'a': 1}, on_change=lambda whole: None)\n"
        "config.b = [2]\n"
        "Summary(on_change=lambda whole: None).update(config)\n"
        "Image([[0.0, 1.0]])\n"
        "heavy = {'numpy', 'torch', 'PIL', 'yaml', 'argparse', 'matplotlib', 'textual', 'click', 'sqlite_utils'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
