"""Lines over two logarithmic axes, side by side in one SVG."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

_WIDTH, _HEIGHT = 330, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 64, 40
_FONT = 'font-family="system-ui, sans-serif" font-size="11"'
_COLOURS = ("#0b6bcb", "#c2570c", "#2e7d32", "#7b3fa0")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name and its (x, y), all above zero."""

    name: str
    points: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share axes; `unit` names the horizontal one."""

    unit: str
    lines: list[Line]


def draw(panels: list[Panel]) -> str:
    """The SVG. A dashed line in each panel shows what linear growth looks like."""
    width = _WIDTH * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" {_FONT} role="img">',
        "<title>Seconds and megabytes by number of versions, files and writers; both axes logarithmic</title>",
        f'<rect width="{width}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({number * _WIDTH} 0)">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel) -> Iterator[str]:
    xs = [x for line in panel.lines for x, _ in line.points]
    ys = [y for line in panel.lines for _, y in line.points]
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
    across = _Scale(math.log10(min(xs)), math.log10(max(xs)), _LEFT, _WIDTH - _RIGHT)
    up = _Scale(low, high, _HEIGHT - _BOTTOM, _TOP)
    yield from _axes(panel, sorted(set(xs)), range(low, high + 1), across, up)
    yield from _linear(across, up)
    for number, line in enumerate(panel.lines):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [(across(math.log10(x)), up(math.log10(y))) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
        yield f'<text x="{_LEFT}" y="{14 + 13 * number}" fill="{colour}">{line.name}</text>'


@dataclass(frozen=True, slots=True)
class _Scale:
    """From a logarithm to a place."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        return self.begin + (value - self.low) / (self.high - self.low or 1) * (self.end - self.begin)


def _axes(panel: Panel, xs: list[float], powers: range, across: _Scale, up: _Scale) -> Iterator[str]:
    for power in powers:
        y = up(power)
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{10.0**power:g}</text>'
    for x in xs:
        place = across(math.log10(x))
        yield f'<text x="{place:.1f}" y="{_HEIGHT - 22}" text-anchor="middle" fill="#555">{_short(x)}</text>'
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle" fill="#222">{panel.unit}</text>'


def _short(value: float) -> str:
    return f"{value / 1e6:g}M" if value >= 1e6 else f"{value / 1e3:g}k" if value >= 1e3 else f"{value:g}"


def _linear(across: _Scale, up: _Scale) -> Iterator[str]:
    """As far as the panel is wide or high, from its lower left corner."""
    reach = min(across.high - across.low, up.high - up.low)
    x, y = across(across.low + reach), up(up.low + reach)
    yield (
        f'<line x1="{_LEFT}" y1="{up(up.low):.1f}" x2="{x:.1f}" y2="{y:.1f}" stroke="#999" stroke-dasharray="4 4"/>'
    )
    yield f'<text x="{x - 4:.1f}" y="{y - 4:.1f}" text-anchor="end" fill="#999">linear</text>'
