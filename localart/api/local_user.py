"""Who a run belongs to where nobody has to log in."""

import os

from localart.records import dataclass


@dataclass(frozen=True, slots=True)
class LocalUser:
    """The person at this machine, with the facts that W&B's users have."""

    username: str
    name: str
    entity: str = ""
    email: str = ""
    admin: bool = True

    @property
    def teams(self) -> list[str]:
        """None: there is no server that has teams."""
        return []


def this_user() -> LocalUser:
    """The user this process runs as."""
    try:
        import pwd

        name = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        name = ""
    return LocalUser(username=name, name=name)
