"""scikit-learn's estimators as versions, and charts of how good they are.

Estimators are kept by skops, whose files hold no code: never as pickles.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sklearn

import localart
from localart.integration.models import log_model_files
from localart.integration.sklearn_plots import (
    plot_class_proportions,
    plot_classifier,
    plot_confusion_matrix,
    plot_feature_importances,
    plot_learning_curve,
    plot_precision_recall,
    plot_regressor,
    plot_residuals,
    plot_roc,
    plot_summary_metrics,
)
from localart.session import need_run

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from localart.artifact import Artifact

__all__ = [
    "load_model",
    "log_model",
    "plot_class_proportions",
    "plot_classifier",
    "plot_confusion_matrix",
    "plot_feature_importances",
    "plot_learning_curve",
    "plot_precision_recall",
    "plot_regressor",
    "plot_residuals",
    "plot_roc",
    "plot_summary_metrics",
]

MODEL_FILE = "model.skops"


def log_model(
    estimator: "BaseEstimator",
    name: str | None = None,
    *,
    metadata: Mapping[str, Any] | None = None,
    aliases: Sequence[str] = (),
) -> "Artifact | None":
    """Log an estimator as a version of `name` (`model-<run id>`), type `model`, of the active run.

    Its class, its parameters, scikit-learn's version and the types that `load_model` must be told to trust are
    metadata, beside the caller's own. None in a disabled run.
    """
    import skops.io

    run = need_run("integration.sklearn.log_model")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MODEL_FILE
        skops.io.dump(estimator, path)
        facts = {
            "estimator": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
            "parameters": estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {},
            "scikit_learn": sklearn.__version__,
            "types_to_trust": skops.io.get_untrusted_types(file=path),
        }
        return log_model_files(
            run, path, name=name or f"model-{run.id}", metadata={**facts, **(metadata or {})}, aliases=aliases
        )


def load_model(model: "str | Artifact", *, trusted: Sequence[str] = ()) -> "BaseEstimator":
    """The estimator of a version (`name:alias`, or an Artifact); an input of the active run, if there is one.

    Only types that skops knows, and those in `trusted`, are made: any other is skops's
    `UntrustedTypesFoundException`, which names it. `trusted=artifact.metadata["types_to_trust"]` trusts whoever
    logged it.
    """
    import skops.io

    run = localart.run
    if run is not None and not run.disabled:
        found = run.use_artifact(model)
    else:
        found = localart.Api().artifact(model) if isinstance(model, str) else model
    with tempfile.TemporaryDirectory() as folder:
        path = found.get_entry(MODEL_FILE).download(folder)
        return skops.io.load(path, trusted=list(trusted))
