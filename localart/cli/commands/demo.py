"""`localart demo`: a small pipeline on real data, from loading it to the report."""

import os

import click

from localart.cli.command import Call, command


@command("demo", examples=("localart demo", "localart demo --change"))
@click.option(
    "--change", is_flag=True, help="Preprocess and train differently, so that new versions are made."
)
def demo_command(call: Call, change: bool) -> None:
    """Load the digits that come with scikit-learn, train on them, and draw the lineage of what came out.

    Nothing is downloaded. Run it twice: unchanged content makes no new version.
    """
    from localart.demo.main import run_demo

    if call.store_option is not None:
        # The demo uses the public API as a user's script would, and that looks here for the store.
        os.environ["LOCALART_DIR"] = str(call.store_path)
    console = call.console
    run_demo(
        echo=console.block, talk=console.say, as_json=console.as_json, change=change, width=console.width
    )
