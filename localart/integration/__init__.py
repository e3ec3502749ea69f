"""localart inside other people's training loops: one module for each framework, imported only when asked for.

======================  ==================================================================================
`integration.lightning`   `LocalartLogger` (`WandbLogger`) for `lightning` and `pytorch_lightning`
`integration.transformers`  `LocalartCallback` (`WandbCallback`) for the Trainer, `register()` for `report_to`
`integration.keras`       `LocalartMetricsLogger`, `LocalartModelCheckpoint`, `LocalartEvalCallback` (`Wandb…`)
`integration.xgboost`     `LocalartCallback` (`WandbCallback`)
`integration.lightgbm`    `localart_callback` (`wandb_callback`), `log_summary`
`integration.optuna`      `LocalartCallback` (`WeightsAndBiasesCallback`), `LocalartArtifactStore`
`integration.sklearn`     `log_model`, `load_model` (skops, never pickle), and W&B's `plot_…`
`integration.hydra`       `LocalartCallback`: a run for each job
======================  ==================================================================================

Where W&B has the same class, its name and arguments are kept, so that only the import line changes. None of
the frameworks is a dependency: each module needs its own and nothing else. Every checkpoint is read whole before
the call returns, because frameworks delete old ones right after they announced a new one.
"""
