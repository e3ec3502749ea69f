"""Names of portfolios, and the addresses and targets that hold them."""

import pytest

from localart.errors import InvalidName
from localart.names import check_collection_name, parse_address
from localart.operations.link import LinkTarget, parse_link_target


@pytest.mark.parametrize("name", ["churn", "Churn Model", "modèle", "v1", "a.b", "n" * 128, "a#b"])
def test_a_portfolio_may_be_called(name: str) -> None:
    assert check_collection_name(name) == name
    assert parse_address(f"model-registry/{name}:best").name == name


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "a/b", "a:b", "a\\b", ".", "..", "a\nb", "n" * 129, "\u202ea"]
)
def test_a_portfolio_may_not_be_called(name: str) -> None:
    with pytest.raises(InvalidName):
        check_collection_name(name)


@pytest.mark.parametrize("name", [None, 5, b"a"])
def test_a_name_is_a_text(name: object) -> None:
    with pytest.raises(TypeError):
        check_collection_name(name)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        parse_link_target(name, project="p")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "project", "name"),
    [("c", "default", "c"), ("p/c", "p", "c"), ("entity/p/My c", "p", "My c")],
)
def test_a_target_is_taken_apart(text: str, project: str, name: str) -> None:
    assert parse_link_target(text, project="default") == LinkTarget(project=project, name=name)
