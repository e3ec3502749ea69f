"""`dataclass`, made in a third of the time: every start of localart makes about a hundred of them.

The standard library compiles up to eight functions for each class. Here one is compiled, `__init__`; all else is
shared. What comes out is a dataclass: `fields`, `replace`, `asdict` and `match` work on it.
"""

from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from dataclasses import MISSING, FrozenInstanceError, fields
    from dataclasses import dataclass as _dataclass
    from operator import attrgetter
    from types import MemberDescriptorType

    def dataclass(cls=None, /, *, frozen=False, slots=False, kw_only=False, eq=True):
        """Return the class as `dataclasses.dataclass` would make it, for the options that are used here."""

        def decorate(cls):
            if cls.__doc__ is None:
                cls.__doc__ = (
                    cls.__name__
                )  # or `dataclasses` asks `inspect` for a signature: as long as all else
            made = _dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
            given = fields(made)
            _add(made, "__init__", _initializer(made, given, frozen=frozen))
            _add(made, "__repr__", _repr)
            if eq:
                compared = [field.name for field in given if field.compare]
                _add_equality(made, compared, hashable=frozen)
            if frozen:
                _freeze(made, slots=slots)
            return made

        return decorate if cls is None else decorate(cls)

    def _add(made, name, value):
        """What the class defines itself stays."""
        if name not in made.__dict__:
            setattr(made, name, value)

    def _initializer(made, given, *, frozen):
        """Compile `__init__`, which sets every field, and calls `__post_init__` where there is one."""
        known = {"_set": object.__setattr__, "_MISSING": MISSING}
        plain, keywords, lines = [], [], []
        for field in given:
            name, value = field.name, field.name
            if field.init:
                (keywords if field.kw_only else plain).append(_parameter(field, known))
            if field.default_factory is not MISSING:
                known[f"_make_{name}"] = field.default_factory
                value = (
                    f"{name} if {name} is not _MISSING else _make_{name}()"
                    if field.init
                    else f"_make_{name}()"
                )
            elif not field.init:
                continue
            lines.append(_assignment(made, name, value, known) if frozen else f" self.{name} = {value}")
        if hasattr(made, "__post_init__"):
            lines.append(" self.__post_init__()")
        parameters = ", ".join(["self", *plain, *(["*", *keywords] if keywords else [])])
        exec(f"def __init__({parameters}):\n" + ("\n".join(lines) or " pass"), known)  # noqa: S102
        function = known["__init__"]
        function.__qualname__ = f"{made.__qualname__}.__init__"
        function.__annotations__ = {field.name: field.type for field in given if field.init} | {
            "return": None
        }
        return function

    def _assignment(made, name, value, known):
        """A frozen record's slots are set through their descriptors, which is half as dear as by name."""
        slot = made.__dict__.get(name)
        if not isinstance(slot, MemberDescriptorType):
            return f" _set(self, {name!r}, {value})"
        known[f"_set_{name}"] = slot.__set__
        return f" _set_{name}(self, {value})"

    def _parameter(field, known):
        if field.default is not MISSING:
            known[f"_default_{field.name}"] = field.default
            return f"{field.name}=_default_{field.name}"
        return f"{field.name}=_MISSING" if field.default_factory is not MISSING else field.name

    def _repr(self):
        shown = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr
        )
        return f"{type(self).__qualname__}({shown})"

    def _add_equality(made, names, *, hashable):
        values = attrgetter(*names) if names else lambda _: ()

        def equal(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return values(self) == values(other)

        def hashed(self):
            return hash(values(self))

        if "__eq__" not in made.__dict__:
            made.__eq__ = equal
            if made.__dict__.get("__hash__") is None:
                made.__hash__ = hashed if hashable else None

    def _freeze(made, *, slots):
        made.__setattr__ = _refuse_set
        made.__delattr__ = _refuse_delete
        if slots:
            _add(made, "__getstate__", _state)
            _add(made, "__setstate__", _set_state)

    def _refuse_set(_self, name, _value):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_delete(_self, name):
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self):
        return [getattr(self, field.name) for field in fields(self)]

    def _set_state(self, state):
        for field, value in zip(fields(self), state, strict=True):
            object.__setattr__(self, field.name, value)
