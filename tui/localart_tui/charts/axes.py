"""Where an axis has its ticks, and how they are written."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0, 10.0)
_MAX_TICKS = 50
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TIME_STEPS = (
    1, 2, 5, 10, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR,
    2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis and what is written there."""

    at: float
    label: str


def padded_range(low: float, high: float) -> tuple[float, float]:
    """A range that holds both, and whose width is above zero also when it is halved."""
    if high / 2 - low / 2 > 0:
        return low, high
    margin = abs(low) / 10
    return (low - margin, high + margin) if margin > 1e-300 else (low - 1.0, high + 1.0)


def number_ticks(low: float, high: float, most: int) -> list[Tick]:
    """At most `most` round numbers between `low` and `high`, all written with equally many decimals."""
    places = _places(low, high, _nice_step(low, high, most))
    step = places[1] - places[0] if len(places) > 1 else abs(high - low)
    return [Tick(at, number_label(at, step)) for at in places]


def log_ticks(low: float, high: float, most: int) -> list[Tick]:
    """As `number_ticks`, for an axis of log10 values: powers of ten, or round numbers where there is only one."""
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    if last - first < 1:
        plain = number_ticks(_power(low), _power(high), most)
        return [Tick(math.log10(tick.at), tick.label) for tick in plain if tick.at > 0]
    every = max(1, math.ceil((last - first + 1) / max(most, 1)))
    return [Tick(float(power), _power_label(power)) for power in range(first, last + 1, every)]


def duration_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Ticks at whole seconds, minutes, hours or days; fractions of seconds when the range is that small."""
    step = _time_step(low, high, most)
    return [Tick(at, duration_label(at)) for at in _places(low, high, step)]


def clock_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Ticks for seconds since the epoch, written as local time of day, or as the day when they are far apart."""
    shift = _local_shift(low)
    step = _time_step(low, high, most)
    places = [at - shift for at in _places(low + shift, high + shift, step)]
    return [Tick(at, clock_label(at, step)) for at in places]


# --- where -----------------------------------------------------------------------------------------


def _nice_step(low: float, high: float, most: int) -> float:
    span = high / most - low / most if most > 0 else math.inf
    if not math.isfinite(span) or span <= 0:
        return math.inf
    power = 10.0 ** math.floor(math.log10(span))
    return next((power * step for step in _STEPS if power * step >= span), power * 10)


def _time_step(low: float, high: float, most: int) -> float:
    span = (high - low) / max(most, 1)
    if span < 1 or span > _TIME_STEPS[-1]:
        return _nice_step(low, high, most)
    return next(float(step) for step in _TIME_STEPS if step >= span)


def _places(low: float, high: float, step: float) -> list[float]:
    if not (math.isfinite(step) and step > 0):
        return []
    first = math.ceil(low / step - 1e-9)
    count = min(math.floor(high / step + 1e-9) - first + 1, _MAX_TICKS)
    return [(first + turn) * step for turn in range(count)]


def _local_shift(seconds: float) -> float:
    from datetime import UTC, datetime

    try:
        offset = datetime.fromtimestamp(seconds, UTC).astimezone().utcoffset()
    except (OverflowError, OSError, ValueError):
        return 0.0
    return offset.total_seconds() if offset else 0.0


# --- what is written -------------------------------------------------------------------------------


def number_label(value: float, step: float) -> str:
    """`value` with the decimals that ticks `step` apart need; `1.2k` and `3e-05` where that is shorter."""
    if value == 0 or abs(value) < step / 1e6:
        return "0"
    if step >= 1000 and abs(value) < 1e15:
        return _with_unit(value)
    if step >= 1 and abs(value) < 1e6:
        return f"{value:.0f}"
    if 1e-6 <= step < 1 and abs(value) < 1e4:
        return f"{value:.{_decimals(step)}f}"
    return short_number(value)


def _decimals(step: float) -> int:
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return places if round(step, places) > 0 and abs(round(step, places) - step) < step / 1e6 else places + 1


def _with_unit(value: float) -> str:
    for factor, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.4g}{unit}"
    return f"{value:.4g}"


def short_number(value: float) -> str:
    """`value` in at most about eight characters."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if value and (abs(value) >= 1e6 or abs(value) < 1e-3):
        return f"{value:.3g}"
    return f"{value:.4g}"


def _power(exponent: float) -> float:
    return 10.0**exponent if exponent < 308.3 else math.inf


def _power_label(power: int) -> str:
    return f"1e{power}" if abs(power) > 3 else f"{10.0**power:g}"


def duration_label(seconds: float) -> str:
    """`1h30`, `2m05`, `12s`, `0.5s`, `3d`."""
    if seconds < 0:
        return "-" + duration_label(-seconds)
    if seconds < _MINUTE:
        return f"{seconds:.3g}s"
    if seconds < _HOUR:
        minutes, rest = divmod(round(seconds), _MINUTE)
        return f"{minutes}m{rest:02}" if rest else f"{minutes}m"
    if seconds < _DAY:
        hours, rest = divmod(round(seconds / _MINUTE), _MINUTE)
        return f"{hours}h{rest:02}" if rest else f"{hours}h"
    days, rest = divmod(round(seconds / _HOUR), 24)
    return f"{days}d{rest:02}h" if rest else f"{days}d"


def clock_label(seconds: float, step: float = 1.0) -> str:
    """The local time, as exactly as ticks `step` seconds apart need."""
    from datetime import UTC, datetime

    try:
        local = datetime.fromtimestamp(seconds, UTC).astimezone()
    except (OverflowError, OSError, ValueError):
        return short_number(seconds)
    if step >= _DAY:
        return local.strftime("%Y-%m-%d" if step >= 90 * _DAY else "%m-%d")
    return local.strftime("%m-%d %Hh" if step >= 6 * _HOUR else "%H:%M" if step >= _MINUTE else "%H:%M:%S")


def fitting(ticks: Sequence[Tick], places: Sequence[int], width: int) -> str:
    """One line of `width` characters with the labels centred at `places`; those that would touch are left out."""
    line = [" "] * width
    free = 0
    for tick, place in zip(ticks, places, strict=True):
        start = min(max(place - len(tick.label) // 2, free), max(width - len(tick.label), 0))
        if start < free or start + len(tick.label) > width:
            continue
        line[start : start + len(tick.label)] = tick.label
        free = start + len(tick.label) + 1
    return "".join(line)
