"""`localart demo`: a small pipeline on real data, from loading it to the report."""

import os
from importlib.util import find_spec

from localart.cli.command import Call, command

_NEEDS = ("numpy", "sklearn")


@command("demo")
def demo_command(call: Call) -> None:
    """Load the digits that come with scikit-learn, train on them, and draw the lineage of what came out.

    Nothing is downloaded. Run it twice: unchanged content makes no new version.
    """
    from localart.errors import UsageError

    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        raise UsageError("The demo needs numpy and scikit-learn", hint="pip install 'localart[demo]'")
    from localart.demo.main import run_demo

    if call.store_option is not None:
        # The demo uses the public API as a user's script would, and that looks here for the store.
        os.environ["LOCALART_DIR"] = str(call.store_path)
    run_demo(echo=call.console.block, as_json=call.console.as_json)
