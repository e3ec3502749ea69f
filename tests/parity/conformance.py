"""The page that says what each public member of wandb 0.31.0 is here.

    python tests/parity/conformance.py

writes CONFORMANCE.md from conformance.toml. A test holds both against the code, and against wandb where it is
installed.
"""

import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
PAGE = FOLDER / "CONFORMANCE.md"
STATES = ("works", "differs", "not local")

TITLES = {
    "Artifact": "Artifact",
    "Run": "Run (what `init()` returns)",
    "Api": "Api",
    "PublicRun": "Run, as `Api` shows it",
    "ArtifactCollection": "ArtifactCollection",
    "Table": "Table",
    "Image": "Image",
    "module": "The module",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One public member: how it stands, why it is not the same, and `path::test` that shows its behaviour."""

    name: str
    state: str
    why: str
    test: str

    @property
    def is_absent(self) -> bool:
        """Whether it is left out on purpose."""
        return self.why.startswith("absent")


def read_members() -> dict[str, list[Member]]:
    """The members of each class, by name."""
    with (FOLDER / "conformance.toml").open("rb") as file:
        written = tomllib.load(file)
    return {
        group: [
            Member(name=name, state=facts["state"], why=facts.get("why", ""), test=facts.get("test", ""))
            for name, facts in members.items()
        ]
        for group, members in written.items()
    }


def page() -> str:
    """The page as it must be."""
    groups = read_members()
    lines = [
        "# How localart stands to W&B",
        "",
        "Every public member of wandb 0.31.0's classes and module. *works*: the same, offline and at once; *differs*:",
        "on purpose, and why; *not local*: only a server could, and `NotLocalError` names the local way. Each names",
        "the test that shows its behaviour.",
        "",
        "| | " + " | ".join(STATES) + " |",
        "|---|" + "---|" * len(STATES),
    ]
    for group, members in groups.items():
        counts = Counter(member.state for member in members)
        lines.append(f"| {TITLES[group]} | " + " | ".join(str(counts[state]) for state in STATES) + " |")
    for group, members in groups.items():
        lines += ["", f"## {TITLES[group]}", "", "| member | | why | shown by |", "|---|---|---|---|"]
        lines += [
            f"| `{member.name}` | {member.state} | {member.why} | {_linked(member.test)} |"
            for member in members
        ]
    return "\n".join(lines) + "\n"


def _linked(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[{name}](../{path})" if test else ""


if __name__ == "__main__":
    PAGE.write_text(page())
