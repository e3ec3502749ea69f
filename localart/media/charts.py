"""Charts: a table, and which of its columns a chart draws (W&B's custom charts)."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Self

from localart.errors import UsageError
from localart.media.base import ArtifactFiles, EntryReader, Media, MediaFiles, Record
from localart.media.table import Table
from localart.model import JsonObject
from localart.records import dataclass


@dataclass(slots=True, kw_only=True)
class CustomChartSpec:
    """What is drawn: the chart's name (`wandb/line/v0`), columns and texts by role, and its key in the run."""

    spec_name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    string_fields: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    panel_type: str = "Vega2"
    split_table: bool = False

    @property
    def table_key(self) -> str:
        """The key its table is logged under."""
        if not self.key:
            raise UsageError("This chart has no key yet", hint="log it: run.log({'key': chart})")
        return f"Custom Chart Tables/{self.key}_table" if self.split_table else f"{self.key}_table"


class CustomChart(Media):
    """A table and what to draw of it. `run.log({"key": chart})` logs the table as `key_table`, too."""

    kind = "custom-chart"

    def __init__(self, table: Table, spec: CustomChartSpec) -> None:
        self.table = table
        self.spec = spec

    def set_key(self, key: str) -> str:
        """Say under which key it is logged; the key of its table."""
        self.spec.key = key
        return self.spec.table_key

    def to_run(self, files: MediaFiles) -> Record:
        """Return what is drawn, and the key of the table."""
        del files
        return {
            "_type": self.kind,
            "panel_type": self.spec.panel_type,
            "spec": self.spec.spec_name,
            "fields": dict(self.spec.fields),
            "string_fields": dict(self.spec.string_fields),
            "table_key": self.spec.table_key,
        }

    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Refuse: charts belong to runs."""
        del files
        raise TypeError("a chart is logged with run.log; add its table to an artifact instead")

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Refuse: no artifact holds charts."""
        del record, entries
        raise TypeError("no artifact holds charts")


def plot_table(
    vega_spec_name: str,
    data_table: Table,
    fields: Mapping[str, Any],
    string_fields: Mapping[str, Any] | None = None,
    split_table: bool = False,
) -> CustomChart:
    """Make a chart of a table. UsageError for what is no Table."""
    if not isinstance(data_table, Table):
        raise UsageError(f"A chart needs a Table, not {type(data_table).__name__}")
    spec = CustomChartSpec(
        spec_name=vega_spec_name, fields=fields, string_fields=string_fields or {}, split_table=split_table
    )
    return CustomChart(data_table, spec)
