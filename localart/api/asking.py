"""How `Api` reads what users ask for, and answers with W&B's one error."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from localart.errors import CommError, InvalidRequest, LocalartError

P = ParamSpec("P")
R = TypeVar("R")


class AskedOddly(CommError, TypeError):
    """`Api` was asked with something of a type it cannot take."""


def asked(call: Callable[P, R]) -> Callable[P, R]:
    """Make whatever cannot be found or understood a CommError, as W&B does.

    Its builtin kind stays: what was a ValueError or a TypeError still is one. A damaged store, and what only a server
    could do, keep their own errors.
    """

    @wraps(call)
    def answer(*args: P.args, **named: P.kwargs) -> R:
        try:
            return call(*args, **named)
        except CommError:
            raise
        except LocalartError as error:
            if not isinstance(error, ValueError) or isinstance(error, OSError):
                raise
            raise InvalidRequest(error.message, hint=error.hint) from error
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        except TypeError as error:
            raise AskedOddly(str(error)) from error

    return answer


def project_in(path: str | None, default: str | None) -> str | None:
    """The project of `[entity/]project`; `default` for None or an empty text."""
    if path is not None and not isinstance(path, str):
        raise TypeError(f"a project's path must be a str, not {type(path).__name__}")
    return path.strip("/ ").split("/")[-1] or default if path else default


def run_address(path: str) -> str:
    """`[entity/][project/]id` of any of W&B's spellings: `…/runs/id`, `project:id`, surrounding slashes."""
    if not isinstance(path, str):
        raise TypeError(f"a run's path must be a str, not {type(path).__name__}")
    plain = path.removeprefix("run:").replace("/runs/", "/").rstrip("/ ").lstrip("/")
    head, _, last = plain.rpartition("/")  # a project may begin with a space, an id may not
    return f"{head}/{last.strip().replace(':', '/')}".strip("/")
