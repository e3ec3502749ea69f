"""The chart on a real store: keys do what the table says, and data is only ever text."""

import math

import pytest
from textual.app import App
from tui_driven import driven, settled

import localart
from localart.errors import StoreNotFound
from localart.operations.resolve import resolve_run
from localart_tui.charts.chart import Chart
from localart_tui.charts.series import TAGS, XAxis, from_numbers
from localart_tui.charts.source import SeriesInMemory
from localart_tui.data.metrics import MetricSource, load_sparkline
from localart_tui.data.store import open_store
from localart_tui.tones import themes


class ChartApp(App):
    def __init__(self, source, metrics) -> None:
        super().__init__()
        self.chart = Chart(source, metrics)

    def on_mount(self) -> None:
        for theme in themes():
            self.register_theme(theme)
        self.theme = "localart-dark"
        self.chart.focus()

    def compose(self):
        yield self.chart


def text(app: ChartApp) -> str:
    return "\n".join(app.chart.render_line(y).text for y in range(app.chart.size.height))


def in_memory(**named) -> SeriesInMemory:
    return SeriesInMemory({name: [from_numbers(name, TAGS[0], values)] for name, values in named.items()})


@driven
async def test_keys_smooth_log_zoom_move_and_come_back():
    app = ChartApp(in_memory(loss=[float(n % 7 + 1) for n in range(500)]), ["loss"])
    async with app.run_test(size=(80, 20)) as pilot:
        await settled(pilot)
        assert "by step" in text(app)

        await pilot.press("s", "L", "left", "left")
        assert "step" in text(app)
        assert "smoothed 0.6, log y" in text(app)

        await pilot.press("plus", "plus")
        await settled(pilot)
        assert "zoomed" in text(app)
        window = app.chart.chart_view.window
        await pilot.press("less_than_sign")
        assert app.chart.chart_view.window[0] < window[0]

        await pilot.press("0")
        await settled(pilot)
        assert "zoomed" not in text(app)
        await pilot.press("x")
        assert app.chart.chart_view.treatment.axis is XAxis.TIME


@driven
async def test_tab_goes_through_the_metrics_and_round():
    app = ChartApp(in_memory(loss=[1.0, 2.0], acc=[0.5]), ["acc", "loss"])
    async with app.run_test(size=(80, 20)) as pilot:
        await settled(pilot)
        assert text(app).startswith("acc")

        await pilot.press("tab")
        await settled(pilot)
        assert text(app).startswith("loss")

        await pilot.press("tab")
        await settled(pilot)
        assert text(app).startswith("acc")


@driven
async def test_zooming_in_fetches_what_the_overview_had_to_leave_out():
    values = [0.0] * 200_000
    values[100_100] = 1.0
    values[100_150] = 1.0
    app = ChartApp(in_memory(loss=values), ["loss"])
    async with app.run_test(size=(80, 20)) as pilot:
        await settled(pilot)
        app.chart._look(type(app.chart.chart_view)(window=(100_000.0, 100_250.0)))
        await settled(pilot)

        top = text(app).splitlines()[1]
        assert sum(char not in " │┤" and not char.isascii() for char in top) == 2


@driven
async def test_an_error_of_the_store_is_a_sentence_in_the_chart():
    class Gone:
        def load(self, metric, *, buckets, steps=None):
            raise StoreNotFound("The store [/] was removed\x1b[2J", hint="look elsewhere")

    app = ChartApp(Gone(), ["loss"])
    async with app.run_test(size=(80, 20)) as pilot:
        await settled(pilot)

        assert "was removed" in text(app)
        assert "\x1b" not in text(app)


@driven
async def test_no_metric_and_a_tiny_chart_are_sentences():
    app = ChartApp(in_memory(), [])
    async with app.run_test(size=(80, 20)) as pilot:
        await settled(pilot)
        assert "no numbers logged yet" in text(app)
        await pilot.press("tab", "plus", "left", "s", "0", "x")

        app.chart.show_source(in_memory(loss=[1.0, 2.0]), ["loss"])
        await pilot.resize_terminal(14, 3)
        await settled(pilot)
        assert "too small" in text(app)


@pytest.fixture
def logged(store):
    """The store with a run of 300 steps of two metrics, one with a NaN, and the run."""
    with localart.init(project="p", id="r1") as run:
        for step in range(300):
            run.log({"loss": 1 / (step + 1), "acc": math.nan if step == 5 else step / 300, "note": "x"})
    opened = open_store(store)
    yield opened, resolve_run(opened.repository, "r1")
    opened.close()


@driven
async def test_a_run_of_the_store_is_drawn_with_its_metrics(logged):
    opened, run = logged
    source = MetricSource(opened, [run])
    assert [name for name in source.names() if not name.startswith("_")] == ["acc", "loss"]

    app = ChartApp(source, ["acc", "loss"])
    async with app.run_test(size=(80, 20)) as pilot:
        await settled(pilot)
        assert "1 NaN/Inf left out" in text(app)
        await pilot.press("left", "x", "x")
        await settled(pilot)
        assert "by relative time" in text(app)


def test_a_runs_metric_is_one_short_line(logged):
    opened, run = logged

    line = load_sparkline(opened.connection(), run, "loss")

    assert len(line) == 16
    assert line[0] == "▇"
    assert line[-1] == "▁"
    assert load_sparkline(opened.connection(), run, "nothing") == ""
