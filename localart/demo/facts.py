"""What the pipeline left in the store, read back from it."""

from collections.abc import Sequence
from dataclasses import replace

from localart.api import Api, PublicRun
from localart.artifact import Artifact
from localart.catalog.figures import StoreFigures, store_figures
from localart.model import LineageGraph, NodeKind
from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeVersion:
    """A version a run logged. `is_new` False: its content was there already, so no version was made."""

    label: str
    type: str
    size_bytes: int
    aliases: tuple[str, ...]
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """One run of the pipeline; `inputs` as `name:vN`."""

    job_type: str
    run_id: str
    run_name: str
    state: str
    inputs: tuple[str, ...]
    outputs: tuple[MadeVersion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """What one demo did. `lineage` holds its own runs only; accuracies are shares from 0 to 1."""

    project: str
    store: str
    changed: bool
    seconds: float
    steps: tuple[StepFacts, ...]
    validation_accuracy: float
    test_accuracy: float
    worst_captions: tuple[str, ...]
    lineage: LineageGraph
    figures: StoreFigures

    @property
    def made(self) -> tuple[MadeVersion, ...]:
        """Every output, in order."""
        return tuple(version for step in self.steps for version in step.outputs)


def collect_facts(run_ids: Sequence[str], *, changed: bool, seconds: float) -> DemoReport:
    """Read what the runs of one demo left behind; `run_ids` in the order of its five steps."""
    from localart.demo.pipeline import PROJECT

    api = Api()
    runs = [api.run(f"{PROJECT}/{run_id}") for run_id in run_ids]
    *_, train, report = runs
    return DemoReport(
        project=PROJECT,
        store=str(api.repository.root),
        changed=changed,
        seconds=seconds,
        steps=tuple(map(_step, runs)),
        validation_accuracy=train.summary["validation/accuracy"],
        test_accuracy=report.summary["test/accuracy"],
        worst_captions=tuple(report.summary["high-loss-examples"]["captions"]),
        lineage=_own_lineage(api, runs),
        figures=store_figures(api.repository.read()),
    )


def _step(run: PublicRun) -> StepFacts:
    return StepFacts(
        job_type=run.job_type or "",
        run_id=run.id,
        run_name=run.name,
        state=run.state,
        inputs=tuple(version.source_name for version in run.used_artifacts()),
        outputs=tuple(_made(run, version) for version in run.logged_artifacts()),
    )


def _made(run: PublicRun, version: Artifact) -> MadeVersion:
    producer = version.logged_by()
    return MadeVersion(
        label=version.source_name,
        type=version.type,
        size_bytes=version.size,
        aliases=tuple(version.aliases),
        is_new=producer is not None and producer.record.key == run.record.key,
    )


def _own_lineage(api: Api, runs: Sequence[PublicRun]) -> LineageGraph:
    """The graph of these runs and what they used and made, without the runs of earlier demos."""
    whole = api.lineage(f"run:{runs[-1].project}/{runs[-1].id}")
    own = {f"{NodeKind.RUN}:{run.record.key}" for run in runs}
    edges = tuple(edge for edge in whole.edges if edge.source in own or edge.target in own)
    keys = own.union(*((edge.source, edge.target) for edge in edges))
    nodes = tuple(node for node in whole.nodes if node.key in keys)
    return replace(whole, nodes=nodes, edges=edges, focus=None)
