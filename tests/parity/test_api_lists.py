"""Lists of `Api`: they are looked up as they are read, and read no more than they are asked for."""

from collections.abc import Iterator
from typing import Any

import pytest

import localart
from localart.api.listing import KEPT_OBJECTS, Listing, Pages
from localart.catalog import projects, runs
from localart.errors import CommError


class Counted:
    """A source of numbers that remembers how many objects were loaded and which slices were asked for."""

    def __init__(self, size: int) -> None:
        self.numbers = list(range(size))
        self.loaded: list[int] = []
        self.asked: list[tuple[int, int]] = []

    def keys(self, offset: int, limit: int) -> list[int]:
        self.asked.append((offset, limit))
        return self.numbers[offset : None if limit < 0 else offset + limit]

    def load(self, keys: Any) -> dict[int, str]:
        self.loaded += keys
        return {key: f"n{key}" for key in keys if key in self.numbers}

    def listing(self, per_page: int = 50) -> Listing[str]:
        return Listing(
            Pages(count=lambda: len(self.numbers), keys=self.keys, load=self.load), per_page=per_page
        )


def test_the_first_result_loads_one_page() -> None:
    source = Counted(100_000)

    assert next(iter(source.listing(per_page=7))) == "n0"

    assert (source.loaded, source.asked) == (list(range(7)), [(0, 7)])


def test_counting_loads_nothing() -> None:
    source = Counted(100_000)

    assert (len(source.listing()), source.listing().length, bool(source.listing())) == (
        100_000,
        100_000,
        True,
    )
    assert (source.loaded, bool(Counted(0).listing())) == ([], False)


@pytest.mark.parametrize(
    "wanted",
    [
        slice(5), slice(2, 5), slice(7, 3), slice(None, None, 3), slice(-5, None), slice(None, -15), slice(3, -3, 4),
        slice(None, None, -1), slice(15, 2, -5), slice(100, 200), slice(-100, 2), slice(0, 0),
    ],
    ids=str,
)  # fmt: skip
def test_a_slice_is_what_a_list_would_give(wanted: slice) -> None:
    assert Counted(20).listing()[wanted] == [f"n{number}" for number in range(20)][wanted]


def test_a_slice_loads_nothing_but_itself() -> None:
    source = Counted(100_000)

    assert source.listing()[500:503] == ["n500", "n501", "n502"]
    assert source.listing()[-1] == "n99999"

    assert source.loaded == [500, 501, 502, 99_999]


@pytest.mark.parametrize("position", [20, -21, 10**6])
def test_a_position_outside_is_an_index_error(position: int) -> None:
    with pytest.raises(IndexError, match=str(position)):
        _ = Counted(20).listing()[position]


@pytest.mark.parametrize("per_page", [1, 7, 20, 21, 5000])
def test_walking_meets_each_result_once_whatever_the_page(per_page: int) -> None:
    listing = Counted(20).listing(per_page)

    assert list(listing) == list(listing) == [f"n{number}" for number in range(20)]
    assert [listing.next() for _ in range(20)] == list(listing)
    with pytest.raises(StopIteration):
        listing.next()


def test_what_comes_or_goes_during_a_walk_is_never_met_twice() -> None:
    source = Counted(30)
    walk = iter(source.listing(per_page=10))
    met = [next(walk) for _ in range(3)]

    source.numbers = [-2, -1, *source.numbers[:15], *source.numbers[16:]]
    met += list(walk)

    assert met == [f"n{number}" for number in range(30) if number != 15]


def test_an_object_that_was_handed_out_is_handed_out_again() -> None:
    made: list[object] = []

    def load(keys: Any) -> dict[int, object]:
        return {key: made.append(thing := object()) or thing for key in keys}  # type: ignore[func-returns-value]

    listing: Listing[object] = Listing(Pages(count=lambda: 5000, keys=Counted(5000).keys, load=load))

    assert listing[0] is listing[0] is next(iter(listing))
    assert sum(1 for _ in listing) == 5000
    assert len(listing._kept) == KEPT_OBJECTS


def test_a_cursor_takes_up_where_a_walk_stopped() -> None:
    with localart.init(project="demo") as run:
        for number in range(5):
            artifact = localart.Artifact("many", type="t")
            with artifact.new_file("a", "w") as file:
                file.write(str(number))
            run.log_artifact(artifact)
    api = localart.Api()
    first = api.artifacts("t", "demo/many", per_page=2)
    assert (first.cursor, first.more) == (None, True)
    met = [first.next().version, first.next().version]

    rest = api.artifacts("t", "demo/many", start=first.cursor)

    assert (met, [one.version for one in rest], len(rest)) == (["v4", "v3"], ["v2", "v1", "v0"], 3)
    assert rest.more is False


def test_versions_are_narrowed_to_those_with_all_tags() -> None:
    with localart.init(project="demo") as run:
        for number, tags in enumerate((["a"], ["a", "b"], [], ["b"])):
            artifact = localart.Artifact("many", type="t")
            with artifact.new_file("x", "w") as file:
                file.write(str(number))
            run.log_artifact(artifact, tags=tags)
    api = localart.Api()

    def found(tags: Any) -> list[str]:
        listing = api.artifacts("t", "demo/many", tags=tags, order="+version_index")
        assert len(listing) == len(list(listing))
        return [one.version for one in listing]

    assert found("a") == ["v0", "v1"]
    assert found(["a", "b"]) == found(["b", "a", "b"]) == ["v1"]
    assert found([]) == ["v0", "v1", "v2", "v3"]
    assert [one.version for one in api.artifact_versions("t", "demo/many")] == ["v3", "v2", "v1", "v0"]


def test_links_are_listed_as_the_portfolio_counts_them() -> None:
    with localart.init(project="demo") as run:
        for number in range(3):
            artifact = localart.Artifact("many", type="t")
            with artifact.new_file("x", "w") as file:
                file.write(str(number))
            run.link_artifact(run.log_artifact(artifact), "demo/chosen")
    found = localart.Api().artifacts("t", "demo/chosen")

    assert [one.version for one in found] == ["v2", "v1", "v0"]
    assert (len(found), found[0].is_link, found[1].source_name) == (3, True, "many:v1")


@pytest.mark.parametrize("per_page", [0, -1, True, 2.5, "9"])
def test_a_page_is_a_positive_whole_number(per_page: Any) -> None:
    localart.init(project="demo").finish()

    with pytest.raises(CommError, match="per_page"):
        localart.Api().runs("demo", per_page=per_page)


@pytest.fixture
def thousands() -> Iterator[localart.Api]:
    """Five thousand runs in project `big`."""
    localart.init(project="big", id="first").finish()
    api = localart.Api()
    with api.repository.write() as tx:
        project = projects.find_project(tx.connection, "big")
        assert project is not None
        for number in range(5000):
            runs.insert_run(tx, project, run_id=f"r{number}", uid=tx.new_uid(), name=f"run {number}")
    return api


def test_thousands_of_runs_are_counted_and_picked_by_queries(
    thousands: localart.Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []
    whole = runs.get_runs
    monkeypatch.setattr(
        runs, "get_runs", lambda connection, keys: fetched.extend(keys) or whole(connection, keys)
    )
    found = thousands.runs("big")

    assert (len(found), found[0].id, found[-1].id, len(found[100:105])) == (5001, "first", "r4999", 5)
    assert next(iter(found)).id == "first"

    assert len(fetched) < 60
    assert len({run.id for run in found}) == 5001
