"""The `localart` command: data on stdout, talk on stderr, documented exit codes, never a traceback.

::

    app         the group: lists the commands without importing them, and runs one
    commands/   one file a verb (or a small family), imported when it is called
    command     what every command shares: --store, --json, --debug, and the `Console` it gets
    console     the two streams; the only place that writes to them
    tables, figures, documents, facts   records as text and as JSON
    failures, exit_codes                errors as two lines and a number

Every text passes `safe_text` on its way to a stream: a name or a note from a store cannot move the cursor,
recolour the terminal or forge a line.
"""

__all__ = ["main"]


def main() -> None:
    """Run the command line of this process and exit with its code."""
    import atexit
    import gc
    import signal

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(
            signal.SIGINT, signal.SIG_DFL
        )  # until a command runs: an interrupted import says a traceback
    gc.disable()  # until a command runs (see `CallCommand`): looking for garbage among imports takes a tenth of them
    atexit.register(gc.freeze)  # the system takes the memory back faster than Python looks through it
    from localart.cli.app import app

    app.main(prog_name="localart")
