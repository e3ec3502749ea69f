"""The logger for the package `lightning`."""

from lightning.pytorch.loggers.logger import Logger, rank_zero_experiment

from localart.integration.lightning.logger import RunLogger
from localart.session import AnyRun


class LocalartLogger(RunLogger, Logger):
    """`RunLogger` for `lightning.pytorch.Trainer(logger=…)`."""

    @property
    @rank_zero_experiment
    def experiment(self) -> AnyRun:
        """The run; begun when first asked for. Other ranks get a stand-in that does nothing."""
        return self.open_run()


WandbLogger = LocalartLogger
