"""Media as HTML for notebooks. Everything from users is escaped, and foreign HTML runs in a sandbox."""

import html
from base64 import b64encode
from collections.abc import Iterable, Sequence

SHOWN_ROWS = 20
_SHOWN_CHARS = 200
_SHOWN_BYTES = 8 << 20
_MIME = {"jpg": "jpeg"}


def image_html(data: bytes, format_name: str, caption: str | None) -> str:
    """The picture inside the page, with its caption below."""
    said = "" if caption is None else f"<figcaption>{html.escape(caption)}</figcaption>"
    if len(data) > _SHOWN_BYTES:
        return f"<figure>an image of {len(data):,} bytes{said}</figure>"
    source = f"data:image/{_MIME.get(format_name, format_name)};base64,{b64encode(data).decode()}"
    return f'<figure><img src="{source}" style="max-width: 100%">{said}</figure>'


def frame_html(document: str) -> str:
    """A foreign document in a frame of its own that may neither run scripts nor reach the page around it."""
    return (
        f'<iframe sandbox="" srcdoc="{html.escape(document)}" '
        'style="width: 100%; height: 400px; border: 1px solid #ccc"></iframe>'
    )


def table_html(columns: Sequence[object], rows: Iterable[Sequence[object]], row_count: int) -> str:
    """The first rows of a table as text, and how many more there are."""
    head = "".join(f"<th>{_cell(column)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>"
        for row, _ in zip(rows, range(SHOWN_ROWS), strict=False)
    )
    more = f"<p>{row_count - SHOWN_ROWS:,} more rows</p>" if row_count > SHOWN_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def bars_html(heights: Sequence[float], bins: Sequence[float]) -> str:
    """A histogram as bars."""
    top = max([1.0, *heights])
    width = 400 / max(1, len(heights))
    bars = "".join(
        f'<rect x="{number * width:.2f}" y="{100 * (1 - height / top):.2f}" '
        f'width="{width:.2f}" height="{100 * height / top:.2f}"/>'
        for number, height in enumerate(heights)
    )
    edges = f"{bins[0]:g} … {bins[-1]:g}" if bins else ""
    return (
        '<figure><svg viewBox="0 0 400 100" width="400" height="100" fill="#4c78a8">'
        f"{bars}</svg><figcaption>{edges}</figcaption></figure>"
    )


def _cell(value: object) -> str:
    draw = getattr(value, "_repr_html_", None)
    if draw is not None and type(value).__module__.startswith("localart."):
        return str(draw())
    text = value if isinstance(value, str) else repr(value)
    return html.escape(text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…")
