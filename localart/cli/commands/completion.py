"""`localart completion`: how the shell learns to complete commands, addresses and run ids."""

import click

from localart.cli.command import Call, command

SHELLS = ("bash", "zsh", "fish")
_ENABLE = {
    # Without the second line bash cuts words at ':' and offers nothing after it.
    "bash": (
        "~/.bashrc",
        'eval "$(_LOCALART_COMPLETE=bash_source localart)"\nCOMP_WORDBREAKS=${COMP_WORDBREAKS//:/}',
    ),
    "zsh": ("~/.zshrc", 'eval "$(_LOCALART_COMPLETE=zsh_source localart)"'),
    "fish": ("~/.config/fish/completions/localart.fish", "_LOCALART_COMPLETE=fish_source localart | source"),
}


@command("completion", examples=("localart completion", "localart completion bash >> ~/.bashrc"))
@click.argument("shell", required=False, type=click.Choice(SHELLS))
def completion_command(call: Call, shell: str | None) -> None:
    """Print the lines that enable completion in SHELL; without it, say where they go in each."""
    if call.console.as_json:
        wanted = [shell] if shell else SHELLS
        call.console.document({one: {"file": _ENABLE[one][0], "lines": _ENABLE[one][1]} for one in wanted})
    elif shell:
        call.console.block(_ENABLE[shell][1])
    else:
        for name, (file, lines) in _ENABLE.items():
            call.console.block(f"# {name}: add to {file}\n{lines}\n")
