"""A lineage that draws itself in a notebook."""

from dataclasses import fields

from localart.model import LineageGraph


class DrawnLineage(LineageGraph):
    """A `LineageGraph` that a notebook shows as a picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        from localart.lineage.svg import to_svg

        return to_svg(self)

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x: auto">{self._repr_svg_()}</div>'


def drawn(graph: LineageGraph) -> DrawnLineage:
    """The same graph, able to draw itself."""
    return DrawnLineage(**{field.name: getattr(graph, field.name) for field in fields(graph)})
