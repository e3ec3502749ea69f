"""Our `dataclass` makes what the standard library's makes."""

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, field, replace

import pytest

from localart import records

OPTIONS = [
    pytest.param(options, id="-".join(options) or "plain")
    for options in (
        {},
        {"slots": True},
        {"frozen": True, "slots": True},
        {"frozen": True, "slots": True, "kw_only": True},
        {"frozen": True, "slots": True, "kw_only": True, "eq": False},
    )
]


def both(options, body):
    """The class as either makes it."""
    made = []
    for decorate in (records.dataclass, dataclasses.dataclass):
        namespace = {"dataclass": decorate, "field": field, "options": options}
        exec(body, namespace)
        made.append(namespace["One"])
    return made


BODY = """
@dataclass(**options)
class One:
    first: int
    second: str = "two"
    many: list[int] = field(default_factory=list)
    unseen: int = field(default=7, compare=False)
    quiet: int = field(default=8, repr=False)

    @property
    def both(self):
        return (self.first, self.second)
"""


@pytest.mark.parametrize("options", OPTIONS)
def test_a_record_is_what_the_standard_library_makes(options):
    ours, theirs = both(options, BODY)

    for arguments in ({"first": 1}, {"first": 1, "second": "x", "many": [3], "unseen": 9, "quiet": 0}):
        one, other = ours(**arguments), theirs(**arguments)
        assert repr(one) == repr(other)
        assert asdict(one) == asdict(other)
        assert one.both == other.both
        for change in ({"first": 2}, {"unseen": 1}, {"quiet": 1}):
            assert (one == replace(one, **change)) is (other == replace(other, **change))
        assert (ours.__hash__ is None) is (theirs.__hash__ is None)
        assert one.__match_args__ == other.__match_args__
    assert [*inspect.signature(ours).parameters] == [*inspect.signature(theirs).parameters]
    assert ours(first=1).many is not ours(first=1).many


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(
    "call", [(), (1, 2, 3, 4, 5, 6), {"first": 1, "third": 3}, (1,)], ids=["none", "many", "unknown", "one"]
)
def test_a_call_that_cannot_be_right_is_refused_alike(options, call):
    def outcome(made):
        try:
            made(**call) if isinstance(call, dict) else made(*call)
        except TypeError:
            return "refused"
        return "made"

    ours, theirs = both(options, BODY)

    assert outcome(ours) == outcome(theirs)


def test_a_frozen_record_cannot_be_changed():
    ours, _ = both({"frozen": True, "slots": True}, BODY)
    one = ours(1)

    for change in (
        lambda: setattr(one, "first", 2),
        lambda: setattr(one, "new", 2),
        lambda: delattr(one, "first"),
    ):
        with pytest.raises(FrozenInstanceError):
            change()
    assert one.first == 1


@records.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    name: str
    parts: tuple[int, ...] = ()

    def __post_init__(self):
        if not self.name:
            raise ValueError("no name")


def test_a_frozen_record_is_hashed_copied_and_pickled():
    one = Kept(name="a", parts=(1, 2))

    assert {one: 1}[Kept(name="a", parts=(1, 2))] == 1
    assert copy.copy(one) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert not hasattr(one, "__dict__")


def test_what_a_class_says_after_its_fields_are_set_is_run():
    with pytest.raises(ValueError, match="no name"):
        Kept(name="")


@records.dataclass(frozen=True, slots=True, kw_only=True)
class More(Kept):
    extra: int


def test_records_may_be_extended_and_are_never_equal_to_what_they_extend():
    assert More(name="a", extra=1) == More(name="a", extra=1)
    assert More(name="a", extra=1) != Kept(name="a")
    assert repr(More(name="a", extra=1)) == "More(name='a', parts=(), extra=1)"


def test_what_a_class_defines_itself_stays():
    @records.dataclass(slots=True)
    class Own:
        number: int

        def __repr__(self):
            return "own"

        def __eq__(self, other):
            return True

        __hash__ = object.__hash__

    assert repr(Own(1)) == "own"
    assert Own(1) == Own(2)
    assert len({Own(1), Own(1)}) == 2
