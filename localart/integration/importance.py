"""What a model's features are worth, as a chart."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localart.session import AnyRun

TITLE = "Feature Importance"


def log_feature_importance(run: "AnyRun", worth: Iterable[tuple[str, float]]) -> None:
    """Log a bar for each feature, with the table it is drawn from."""
    from localart import plot
    from localart.media.table import Table

    table = Table(columns=["Feature", "Importance"], data=[[name, value] for name, value in worth])
    run.log({TITLE: plot.bar(table, "Feature", "Importance", title=TITLE)})
