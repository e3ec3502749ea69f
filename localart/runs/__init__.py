"""Runs: one execution of some code, its config, summary, history, inputs and outputs."""

from localart.runs.run import Run

__all__ = ["Run"]
