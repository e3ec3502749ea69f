"""A browser that is nothing but a graph, and ways to look at what it shows."""

from textual.app import App

from localart.model import GraphEdge, GraphNode, LineageGraph, NodeKind
from localart_tui.glyphs import ASCII, UNICODE
from localart_tui.graph.exports import Source
from localart_tui.graph.view import GraphView
from localart_tui.tones import DARK_THEME, themes


class GraphApp(App):
    """Shows a graph and keeps what the widget says."""

    def __init__(self, graph, *, ascii_only=False, source=None, view=None):
        super().__init__()
        self.given = graph
        self.glyphs = ASCII if ascii_only else UNICODE
        self.animation_level = "none"
        self.said = []
        self._view = view
        self._source = source or Source(address="p/data:v0")
        for theme in themes():
            self.register_theme(theme)
        self.theme = DARK_THEME

    def compose(self):
        yield GraphView(self.given, source=self._source, view=self._view)

    def on_mount(self):
        self.graph.focus()

    @property
    def graph(self):
        return self.query_one(GraphView)

    @property
    def selected(self):
        return self.graph.state.selected

    def on_graph_view_node_opened(self, message):
        self.said.append(("opened", message.address))

    def on_graph_view_node_selected(self, message):
        self.said.append(("selected", message.key))

    def on_graph_view_scope_wanted(self, message):
        self.said.append(("scope", message.scope))


def rows_of(widget):
    """The rows of a widget as they are on the screen, without colours."""
    return ["".join(segment.text for segment in strip) for strip in strips_of(widget)]


def strips_of(widget):
    region = widget.region
    strips = widget.screen._compositor.render_strips()
    return [strip.crop(region.x, region.right) for strip in list(strips)[region.y : region.bottom]]


def screen_of(app):
    return "\n".join(
        "".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips()
    )


def notes_of(app):
    """What was said in the corner."""
    return "\n".join(note.message for note in app._notifications)


def run(key, job_type="train", state="finished", age=0):
    return GraphNode(
        key=key, kind=NodeKind.RUN, label=key, group=job_type, project="p", state=state,
        created_at=f"{age:04}", address=f"run:{key}",
    )  # fmt: skip


def version(name, type_="dataset", age=0):
    return GraphNode(
        key=name, kind=NodeKind.VERSION, label=f"{name} latest", group=type_, project="p", state="COMMITTED",
        created_at=f"{age:04}", address=f"p/{name}",
    )  # fmt: skip


def graph(nodes, *edges, **fields):
    return LineageGraph(nodes=tuple(nodes), edges=tuple(GraphEdge(a, b) for a, b in edges), **fields)


def pipeline(**fields):
    """The tutorial's: load → raw → prep → data; init → net; train from both; eval from the model and the data."""
    nodes = [
        run("load", "load"), version("raw:v0", age=1), run("prep", "prep", age=2), version("data:v0", age=3),
        run("init", "init", age=4), version("net:v0", "model", age=5), run("train", age=6),
        version("model:v0", "model", age=7), run("eval", "eval", "failed", age=8),
    ]  # fmt: skip
    edges = [
        ("load", "raw:v0"), ("raw:v0", "prep"), ("prep", "data:v0"), ("init", "net:v0"), ("net:v0", "train"),
        ("data:v0", "train"), ("train", "model:v0"), ("model:v0", "eval"), ("data:v0", "eval"),
    ]  # fmt: skip
    return graph(nodes, *edges, **fields)


def sweep(size=6, **fields):
    """One dataset, `size` training runs with a checkpoint each, and a run that reads all of those."""
    trains = [run(f"t{number}", age=number) for number in range(size)]
    models = [version(f"ckpt:v{number}", "model", age=number) for number in range(size)]
    edges = [("data:v0", one.key) for one in trains]
    edges += [(one.key, model.key) for one, model in zip(trains, models, strict=True)]
    edges += [(model.key, "pick") for model in models]
    return graph([version("data:v0"), *trains, *models, run("pick", "choose")], *edges, **fields)
