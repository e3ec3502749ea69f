"""Hugging Face's Trainer, logged to a run.

    from localart.integration.transformers import LocalartCallback

    trainer = Trainer(..., callbacks=[LocalartCallback()])

or, once `register()` was called, `TrainingArguments(report_to="localart")`.
"""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

import localart
from localart.errors import InvalidName
from localart.integration.models import log_model_files
from localart.integration.plain_values import plain_settings
from localart.names import check_artifact_name
from localart.settings import read_settings

if TYPE_CHECKING:
    from localart.session import AnyRun

DEFAULT_PROJECT = "huggingface"
STEP_METRIC = "train/global_step"
NAME = "localart"

_CHOICES = ("checkpoint", "end", "false")
_ONE_FOR_THE_RUN = frozenset(
    {"train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss", "total_flos"}
)


class LocalartCallback(TrainerCallback):
    """Logs what a Trainer logs, its settings, and its checkpoints as versions.

    The active run is used; else one is begun in the environment's project, or in `huggingface`. A hyperparameter
    search gets a run for each trial. `log_model="checkpoint"` logs every checkpoint as it is saved and the model
    at the end; `"end"` only the latter; `"false"` neither. Left out, `LOCALART_LOG_MODEL` (`WANDB_LOG_MODEL`)
    decides, and else it is `"checkpoint"`: the Trainer's own limit on checkpoints does not reach into the store.

    Versions are of `model-<run id>` (`model-<run name>` when `run_name` was given), type `model`: aliases
    `epoch_…`, `checkpoint_global_step_…`, `final_model`, and `best` for the Trainer's best so far. Only the world's
    first process does anything.
    """

    default_log_model: ClassVar[str] = "checkpoint"

    def __init__(self, log_model: str | None = None) -> None:
        wanted = log_model or read_settings().log_model or self.default_log_model
        self._log_model = _choice(wanted)
        self._ready = False

    # --- the run -----------------------------------------------------------------------------------------

    def setup(self, args: TrainingArguments, state: TrainerState, model: Any, **_named: Any) -> None:
        """Find or begin the run and tell it the settings; may be overridden, as W&B's may."""
        self._ready = True
        if not state.is_world_process_zero:
            return
        run = localart.run
        if run is None:
            project = read_settings().project or DEFAULT_PROJECT
            run = localart.init(project=project, **_names(args, state))
            run.define_metric(STEP_METRIC)
            run.define_metric("*", step_metric=STEP_METRIC, step_sync=True)
        run.config.update(plain_settings(_settings(args, model)), allow_val_change=True)

    def _active(self, args: TrainingArguments, state: TrainerState, model: Any) -> "AnyRun | None":
        """The run to log to; None in every process but the first."""
        if not self._ready or (localart.run is None and state.is_world_process_zero):
            self.setup(args, state, model)
        return localart.run if state.is_world_process_zero else None

    # --- what the Trainer calls ----------------------------------------------------------------------------

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any
    ) -> None:
        """Begin; in a hyperparameter search, end the last trial's run first."""
        del control
        if state.is_hyper_param_search:
            localart.finish()
            self._ready = False
            args.run_name = None
        self._active(args, state, named.get("model"))

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any
    ) -> None:
        """Log a row; figures about the whole training go to the summary."""
        del control
        run = self._active(args, state, named.get("model"))
        if run is None:
            return
        logs: dict[str, Any] = named.get("logs") or {}
        totals = {key: value for key, value in logs.items() if key in _ONE_FOR_THE_RUN}
        if totals:
            run.summary.update(plain_settings(totals))
        row = {_sorted_name(key): value for key, value in logs.items() if key not in _ONE_FOR_THE_RUN}
        run.log({**plain_settings(row), STEP_METRIC: state.global_step})

    def on_predict(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Any,
        **named: Any,
    ) -> None:
        """Log the metrics of a prediction."""
        del control
        run = self._active(args, state, named.get("model"))
        if run is not None:
            run.log(plain_settings({_sorted_name(key): value for key, value in metrics.items()}))

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any
    ) -> None:
        """Log the checkpoint just written: the next save may delete it."""
        del control
        run = self._active(args, state, named.get("model"))
        folder = None if run is None else _checkpoint_folder(args, state)
        if run is None or folder is None or self._log_model != "checkpoint":
            return
        aliases = [
            f"epoch_{round(state.epoch or 0, 2)}",
            f"checkpoint_global_step_{state.global_step}",
        ]
        if _is_best(folder, state):
            aliases.append("best")
        facts = {"step": state.global_step, "epoch": state.epoch, "original_filename": folder.name}
        log_model_files(
            run,
            folder,
            name=_model_name(run, args),
            metadata={**facts, **_score(args, state), **_figures(run)},
            aliases=aliases,
        )

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any
    ) -> None:
        """Log the model as it is now: the best one when the Trainer loaded it again."""
        del control
        model = named.get("model")
        run = self._active(args, state, model)
        if run is None or model is None or self._log_model == "false":
            return
        facts = {"final_model": True, "step": state.global_step, **_score(args, state), **_figures(run)}
        with tempfile.TemporaryDirectory() as folder:
            _save_model(model, folder, named.get("processing_class"))
            log_model_files(run, folder, name=_model_name(run, args), metadata=facts, aliases=["final_model"])


class WandbCallback(LocalartCallback):
    """The same with W&B's own rule: no model is logged unless the environment says so."""

    default_log_model = "false"


def register(name: str = NAME) -> None:
    """Let `TrainingArguments(report_to="localart")` mean this callback, in this process."""
    from transformers.integrations import integration_utils

    integration_utils.INTEGRATION_TO_CALLBACK[name] = LocalartCallback


def _choice(text: str) -> str:
    choice = {"true": "end", "1": "end", "0": "false", "no": "false"}.get(text.lower(), text.lower())
    if choice not in _CHOICES:
        raise ValueError(f"log_model must be one of {', '.join(_CHOICES)}; not {text!r}")
    return choice


def _names(args: TrainingArguments, state: TrainerState) -> dict[str, Any]:
    trial = getattr(state, "trial_name", None)
    if trial is not None:
        return {"name": trial, "group": args.run_name or args.output_dir}
    return {"name": args.run_name} if args.run_name else {}


def _settings(args: TrainingArguments, model: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    peft = getattr(model, "peft_config", None)
    if peft is not None:
        settings["peft_config"] = peft
    config = getattr(model, "config", None)
    if config is not None:
        settings |= config if isinstance(config, dict) else config.to_dict()
    settings |= args.to_dict()
    if hasattr(model, "num_parameters"):
        settings["model/num_parameters"] = model.num_parameters()
    return settings


def _sorted_name(key: str) -> str:
    """`eval_loss` → `eval/loss`, `test_loss` → `test/loss`, any other → `train/…`."""
    for part in ("eval", "test"):
        if key.startswith(f"{part}_"):
            return f"{part}/{key.removeprefix(f'{part}_')}"
    return f"train/{key}"


def _model_name(run: "AnyRun", args: TrainingArguments) -> str:
    if args.run_name and args.run_name != args.output_dir:
        try:
            return check_artifact_name(f"model-{run.name}")
        except InvalidName:
            pass  # a run's name may say more than an artifact's
    return f"model-{run.id}"


def _checkpoint_folder(args: TrainingArguments, state: TrainerState) -> Path | None:
    """Where the Trainer has just saved; below a folder of the trial's own in a hyperparameter search."""
    folder = Path(args.output_dir)
    name = f"checkpoint-{state.global_step}"
    if state.is_hyper_param_search or not (folder / name).is_dir():
        trials = [one for one in folder.glob(f"run-*/{name}") if one.is_dir()]
        return max(trials, key=lambda one: one.stat().st_mtime_ns, default=None)
    return folder / name


def _is_best(folder: Path, state: TrainerState) -> bool:
    best = state.best_model_checkpoint
    return best is not None and os.path.abspath(best) == os.path.abspath(folder)  # noqa: PTH100


def _score(args: TrainingArguments, state: TrainerState) -> dict[str, Any]:
    if state.best_metric is None:
        return {}
    return {"monitor": args.metric_for_best_model, "best_metric": state.best_metric}


def _figures(run: "AnyRun") -> dict[str, Any]:
    """The last figures logged, which is how a version says how good it is; at most so many as metadata takes."""
    numbers = {
        key: value
        for key, value in run.summary.as_dict().items()
        if isinstance(value, int | float) and not key.startswith("_")
    }
    return {"summary": numbers}


def _save_model(model: Any, folder: str, processing_class: Any) -> None:
    if hasattr(model, "save_pretrained"):
        model.save_pretrained(folder)
    else:
        from safetensors.torch import save_model

        save_model(model, str(Path(folder) / "model.safetensors"))
    if processing_class is not None and hasattr(processing_class, "save_pretrained"):
        processing_class.save_pretrained(folder)
