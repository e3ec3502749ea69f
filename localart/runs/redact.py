"""Take secrets out of what is recorded about how a run was started. What cannot be told apart stays."""

import re
from collections.abc import Sequence

HIDDEN = "***"

_NAME = r"[\w.-]*(?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|passphrase|credential|private[_-]?key)[\w.-]*"
_IS_SECRET = re.compile(_NAME, re.IGNORECASE)
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s&;,}]+)"""
_ASSIGNED = re.compile(
    rf"""((?:^|[\s&?;,{{"'-])(?:{_NAME}|(?:[\w.-]+[_-])?key)["']?\s*[=:]\s*){_VALUE}""", re.IGNORECASE
)
_USER_INFO = re.compile(r"(?<=://)[^/?#\s]+@")
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic)\s+(?=\S*[\d=])[\w.~+/=-]{8,}", re.IGNORECASE)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_KNOWN_SHAPES = re.compile(
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}"
    r"|pypi-[\w-]{20,}|npm_\w{20,}"
    r"|AKIA[A-Z0-9]{16}|AIza[\w-]{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"
)
_OPTION = re.compile(r"--?[\w.-]+")


def redact(text: str) -> str:
    """`text` without the user and password of URLs, `password=…`, and tokens of well-known shapes."""
    text = _USER_INFO.sub("", text)
    text = _PRIVATE_KEY.sub(HIDDEN, text)
    text = _AUTHORIZATION.sub(rf"\1 {HIDDEN}", text)
    text = _ASSIGNED.sub(rf"\1{HIDDEN}", text)
    return _KNOWN_SHAPES.sub(HIDDEN, text)


def redact_arguments(arguments: Sequence[str]) -> list[str]:
    """A command line without secrets; also the word that follows `--token` and its like is hidden."""
    shown = []
    hides_next = False
    for argument in arguments:
        is_option = _OPTION.fullmatch(argument) is not None
        shown.append(HIDDEN if hides_next and not is_option else redact(argument))
        hides_next = is_option and is_secret_name(argument)
    return shown


def is_secret_name(name: str) -> bool:
    """Whether something of this name (an option, a variable) is likely to hold a secret."""
    return (
        _IS_SECRET.search(name) is not None or re.search(r"(?:^|[_-])key$", name, re.IGNORECASE) is not None
    )


def redact_tokens(content: bytes) -> bytes:
    """`content` without tokens of well-known shapes; what only looks like `token = …` may be code, and stays."""
    text = content.decode("utf-8", "surrogateescape")
    return _KNOWN_SHAPES.sub(HIDDEN, _PRIVATE_KEY.sub(HIDDEN, text)).encode("utf-8", "surrogateescape")
