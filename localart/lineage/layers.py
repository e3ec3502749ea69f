"""Which layer each node of a map stands in, and in which order; the first half of drawing it.

Things are numbers: a node's is its place in the flowing order, joints follow. A *net* is all that leaves one
thing, and bears its number. Where a net passes a layer on its way to a later one, the layer holds the net's
number too, as a *wire*. A *joint* gathers the nets of an input set that several nodes share, so that a sweep of
fifty runs over the same four inputs is 54 lines instead of 200.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from localart.errors import UsageError
from localart.lineage.graph import NodeOrder
from localart.records import dataclass

_SWEEPS = 3
_MOST_THINGS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """`rows[layer]` lists things top down; one whose `layer_of` is another is there as a wire."""

    inputs: Mapping[int, Sequence[int]]
    outputs: Mapping[int, Sequence[int]]
    layer_of: Mapping[int, int]
    rows: Sequence[Sequence[int]]
    node_count: int

    def is_wire(self, thing: int, layer: int) -> bool:
        """Whether the net only passes through."""
        return self.layer_of[thing] != layer

    def is_joint(self, thing: int) -> bool:
        """Whether this is a joint and no node."""
        return thing >= self.node_count

    def only_children(self, thing: int) -> int:
        """How many things in the next layer have `thing` as their only input."""
        near = self.layer_of[thing] + 1
        return sum(
            1 for far in self.outputs[thing] if len(self.inputs[far]) == 1 and self.layer_of[far] == near
        )

    def entering(self, thing: int, layer: int) -> Sequence[int]:
        """The nets that end at `thing` in `layer`."""
        return (thing,) if self.is_wire(thing, layer) else self.inputs[thing]


def arrange(order: NodeOrder) -> Layers:
    """Spread the nodes over layers, inputs to the left, and sort each layer so that few lines cross.

    Takes time in proportion to nodes and wires; a net that spans many layers has as many wires.
    """
    number_of = {node.key: number for number, node in enumerate(order.nodes)}
    inputs: dict[int, tuple[int, ...]] = {
        number_of[key]: tuple(sorted(number_of[near] for near in nears))
        for key, nears in order.links.inputs.items()
    }
    sequence = _with_joints(inputs, len(number_of))
    outputs: dict[int, list[int]] = {thing: [] for thing in sequence}
    for thing in sequence:
        for near in inputs[thing]:
            outputs[near].append(thing)
    layer_of = _layer_of(sequence, inputs, outputs)
    rows = _rows(sequence, outputs, layer_of)
    layers = Layers(inputs=inputs, outputs=outputs, layer_of=layer_of, rows=rows, node_count=len(number_of))
    _untangle(layers, rows)
    return layers


def _with_joints(inputs: dict[int, tuple[int, ...]], node_count: int) -> list[int]:
    """Put a joint before nodes that share two inputs or more; return all things, each after its inputs."""
    sharing: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in range(node_count):
        sharing[inputs[number]].append(number)
    joint_before: dict[int, int] = {}
    for shared, members in sharing.items():
        if len(shared) > 1 and len(members) > 1:
            joint = node_count + len(joint_before)
            joint_before[members[0]] = joint
            inputs[joint] = shared
            inputs.update(dict.fromkeys(members, (joint,)))
    return [
        thing
        for number in range(node_count)
        for thing in ((joint_before[number], number) if number in joint_before else (number,))
    ]


def _layer_of(
    sequence: Sequence[int], inputs: Mapping[int, Sequence[int]], outputs: Mapping[int, Sequence[int]]
) -> dict[int, int]:
    """As far left as inputs allow; then beginnings move right, towards what they are for."""
    layer_of: dict[int, int] = {}
    for thing in sequence:
        layer_of[thing] = max((layer_of[near] + 1 for near in inputs[thing]), default=0)
    for thing in reversed(sequence):
        if outputs[thing] and len(inputs[thing]) <= 1:
            layer_of[thing] = min(layer_of[far] for far in outputs[thing]) - 1
    return layer_of


def _rows(
    sequence: Sequence[int], outputs: Mapping[int, Sequence[int]], layer_of: Mapping[int, int]
) -> list[list[int]]:
    end_of = {
        thing: max((layer_of[far] for far in outputs[thing]), default=layer_of[thing] + 1)
        for thing in sequence
    }
    if sum(end - layer_of[thing] for thing, end in end_of.items()) > _MOST_THINGS:
        raise too_large(len(sequence))
    rows: list[list[int]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for thing in sequence:
        for layer in range(layer_of[thing], end_of[thing]):
            rows[layer].append(thing)
    return rows


def too_large(node_count: int) -> UsageError:
    """The error to raise when a map would take more memory than a picture is worth."""
    return UsageError(
        f"A graph of {node_count:,} nodes is too large for a map",
        hint="draw it as lanes, group it by type, or limit its depth",
    )


def _untangle(layers: Layers, rows: list[list[int]]) -> None:
    """Sort each layer by where its neighbours stand, from the left and from the right, a few times."""
    leaving = [_leaving(layers, layer) for layer in range(len(rows))]
    for _ in range(_SWEEPS):
        for layer in range(len(rows) - 2, -1, -1):
            _sort_by_neighbours(rows[layer], rows[layer + 1], leaving[layer])
        for layer in range(1, len(rows)):
            entering = {thing: layers.entering(thing, layer) for thing in rows[layer]}
            _sort_by_neighbours(rows[layer], rows[layer - 1], entering)


def _leaving(layers: Layers, layer: int) -> dict[int, list[int]]:
    """For each thing in `layer`, what its net meets in the next one."""
    if layer + 1 == len(layers.rows):
        return {}
    leaving: dict[int, list[int]] = {thing: [] for thing in layers.rows[layer]}
    for thing in layers.rows[layer + 1]:
        for near in layers.entering(thing, layer + 1):
            leaving[near].append(thing)
    return leaving


def _sort_by_neighbours(row: list[int], fixed: Sequence[int], near: Mapping[int, Sequence[int]]) -> None:
    """A thing without neighbours stays behind the one it stood behind."""
    place = {thing: position for position, thing in enumerate(fixed)}
    wanted: dict[int, float] = {}
    last = 0.0
    for thing in row:
        if near[thing]:
            last = sum(place[other] for other in near[thing]) / len(near[thing])
        wanted[thing] = last
    row.sort(key=wanted.__getitem__)
