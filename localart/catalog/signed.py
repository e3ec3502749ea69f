"""Whole numbers of 64 bits as SQLite holds them: with a sign."""


def signed(number: int) -> int:
    """The number with the same 64 bits below zero where its highest bit is set."""
    return number - (1 << 64) if number >= 1 << 63 else number
