"""A run for each job that Hydra starts.

# conf/config.yaml
hydra:
  callbacks:
    localart:
      _target_: localart.integration.hydra.LocalartCallback
      project: demo
"""

from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback
from omegaconf import OmegaConf

import localart
from localart.integration.plain_values import plain_settings

if TYPE_CHECKING:
    from hydra.core.utils import JobReturn
    from omegaconf import DictConfig

    from localart.session import AnyRun


class LocalartCallback(Callback):
    """Begins a run before each job, with the job's settings as config, and ends it with the job.

    The task finds it as `localart.run`; its own `localart.init()` returns it. A job that raises ends as failed. The
    job's name is the `job_type`; the jobs of a sweep share a `group`, the sweep's folder. `init_kwargs` go to
    `localart.init`.
    """

    def __init__(self, **init_kwargs: Any) -> None:
        super().__init__()
        self._init_kwargs = init_kwargs
        self._run: AnyRun | None = None

    def on_job_start(self, config: "DictConfig", **_named: Any) -> None:
        """Begin the job's run."""
        settings = OmegaConf.to_container(OmegaConf.masked_copy(config, _task_keys(config)), resolve=True)
        request = {"job_type": str(config.hydra.job.name), "group": _sweep(config), **self._init_kwargs}
        self._run = localart.init(config=plain_settings(dict(settings)), **request)

    def on_job_end(self, config: "DictConfig", job_return: "JobReturn", **_named: Any) -> None:
        """End it as the job ended."""
        del config
        run, self._run = self._run, None
        if run is None:
            return
        if job_return.status.name == "COMPLETED":
            run.finish()
            return
        # Its public property would raise the job's error here.
        error = getattr(job_return, "_return_value", None)
        if isinstance(error, BaseException) and isinstance(run, localart.Run):
            run.fail(error)
        else:
            run.finish(exit_code=1)


def _task_keys(config: "DictConfig") -> list[str]:
    return [str(key) for key in config if key != "hydra"]


def _sweep(config: "DictConfig") -> str | None:
    mode = config.hydra.get("mode")
    is_sweep = mode is not None and getattr(mode, "name", str(mode)) == "MULTIRUN"
    return str(config.hydra.sweep.dir) if is_sweep else None
