"""Errors for what W&B refuses with a bare `assert`: code that expects either kind is served."""


class RefusedValue(ValueError, AssertionError):
    """A value that cannot be."""


class RefusedType(TypeError, AssertionError):
    """A value of a type that cannot be."""
