"""Five steps from data to report, each a run that says what it used and what it made.

Copy from here: `localart` is used as any script would use it. A step reads what an earlier one logged by
name (`digits-raw:latest`), so each can be run again alone.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import localart
from localart.demo.model import (
    Array,
    losses,
    new_weights,
    predict,
    read_weights,
    train_batches,
    write_weights,
)

PROJECT = "digits-demo"
SIZES = {"training": 1197, "validation": 300, "test": 300}
STEPS = {"scale": True, "center": False, "flatten": True}
NETWORK = {"inputs": 64, "hidden": 48, "outputs": 10, "seed": 1}
TRAINING = {
    "epochs": 12, "batch_size": 32, "learning_rate": 0.1, "momentum": 0.9, "batch_log_interval": 10, "seed": 2,
}  # fmt: skip
CHANGED_STEPS = {**STEPS, "center": True}
CHANGED_TRAINING = {**TRAINING, "learning_rate": 0.02}
WORST = 32

Split = tuple[Array, Array]


def run_pipeline(*, changed: bool, talk: Callable[[str], None]) -> tuple[str, ...]:
    """Run all five steps; the ids of their runs, in order."""
    talk("step 1 of 5: load-data")
    loaded = load_and_log()
    talk("step 2 of 5: preprocess-data")
    preprocessed = preprocess_and_log(CHANGED_STEPS if changed else STEPS)
    talk("step 3 of 5: initialize")
    initialized = initialize_and_log(NETWORK)
    talk("step 4 of 5: train")
    trained = train_and_log(CHANGED_TRAINING if changed else TRAINING, talk)
    talk("step 5 of 5: report")
    reported = report_and_log()
    return loaded, preprocessed, initialized, trained, reported


# --- 1: load-data -----------------------------------------------------------------------------------------


def load_and_log() -> str:
    """Take the digits that come with scikit-learn, part them in three, log them as they are."""
    with localart.init(project=PROJECT, job_type="load-data", config={"seed": 0}) as run:
        splits = _load_splits(seed=run.config.seed)

        raw = localart.Artifact(
            "digits-raw",
            type="dataset",
            description="Handwritten digits of 8 × 8 pixels, shuffled and split",
            metadata={"source": "sklearn.datasets.load_digits", "sizes": SIZES, "classes": 10},
        )
        for name, (pixels, labels) in splits.items():
            with raw.new_file(f"{name}.npz", mode="wb") as file:
                np.savez(file, pixels=pixels, labels=labels)

        run.log_artifact(raw)
    return run.id


def _load_splits(*, seed: int) -> dict[str, Split]:
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    splits, start = {}, 0
    for name, size in SIZES.items():
        picked = order[start : start + size]
        splits[name] = digits.images[picked].astype(np.uint8), digits.target[picked].astype(np.uint8)
        start += size
    return splits


# --- 2: preprocess-data -----------------------------------------------------------------------------------


def preprocess_and_log(steps: Mapping[str, bool]) -> str:
    """Make the digits fit for training; the steps taken are the metadata of what comes out."""
    with localart.init(project=PROJECT, job_type="preprocess-data", config=steps) as run:
        ready = localart.Artifact(
            "digits-preprocess", type="dataset", description="Digits ready for training", metadata=steps
        )

        folder = run.use_artifact("digits-raw:latest").download()
        for name in SIZES:
            pixels, labels = _read_split(folder, name)
            with ready.new_file(f"{name}.npz", mode="wb") as file:
                np.savez(file, pixels=_preprocess(pixels, **steps), labels=labels)

        run.log_artifact(ready)
    return run.id


def _read_split(folder: str, name: str) -> Split:
    with np.load(os.path.join(folder, f"{name}.npz")) as stored:  # noqa: PTH118
        return stored["pixels"], stored["labels"]


def _preprocess(pixels: Array, *, scale: bool, center: bool, flatten: bool) -> Array:
    if scale:
        pixels = pixels.astype(np.float32) / 16
    if center:
        pixels = pixels - 0.5
    return pixels.reshape(len(pixels), -1) if flatten else pixels


# --- 3: initialize ----------------------------------------------------------------------------------------


def initialize_and_log(config: Mapping[str, int]) -> str:
    """Make a network and log it untrained, so that several trainings can start from the same one."""
    with localart.init(project=PROJECT, job_type="initialize", config=config) as run:
        weights = new_weights(**run.config)

        network = localart.Artifact(
            "digits-net", type="model", description="An untrained network", metadata=dict(run.config)
        )
        with network.new_file("weights.npz", mode="wb") as file:
            write_weights(weights, file)

        run.log_artifact(network)
    return run.id


# --- 4: train ---------------------------------------------------------------------------------------------


def train_and_log(config: Mapping[str, Any], talk: Callable[[str], None]) -> str:
    """Train the network, logging on the way, and log what it has become; `best` if it is the best so far."""
    with localart.init(project=PROJECT, job_type="train", config=config) as run:
        folder = run.use_artifact("digits-preprocess:latest").download()
        untrained = run.use_artifact("digits-net:latest")
        weights = read_weights(untrained.file())
        run.config.update({"network": untrained.metadata})

        accuracy = _train(weights, folder, run, talk)

        trained = localart.Artifact(
            "trained-digits-net",
            type="model",
            description="A network that reads digits",
            metadata={**run.config, "validation_accuracy": accuracy},
        )
        with trained.new_file("weights.npz", mode="wb") as file:
            write_weights(weights, file)

        run.log_artifact(trained, aliases=["best"] if accuracy > _best_accuracy() else [])
    return run.id


def _train(weights: dict[str, Array], folder: str, run: Any, talk: Callable[[str], None]) -> float:
    """Train in place; the share of validation digits it reads right in the end."""
    pixels, labels = _read_split(folder, "training")
    config = run.config
    batches = train_batches(
        weights, pixels, labels, batch_size=config.batch_size, learning_rate=config.learning_rate,
        momentum=config.momentum, epochs=config.epochs, seed=config.seed,
    )  # fmt: skip
    accuracy = 0.0
    for number, (epoch, seen, batch_loss) in enumerate(batches):
        if number % config.batch_log_interval == 0:
            run.log({"epoch": epoch, "train/loss": batch_loss}, step=seen)
        if seen == (epoch + 1) * len(labels):
            loss, accuracy = _evaluate(weights, folder, "validation")
            run.log({"epoch": epoch, "validation/loss": loss, "validation/accuracy": accuracy}, step=seen)
            talk(
                f"  epoch {epoch + 1} of {config.epochs}: training loss {batch_loss:.3f},"
                f" validation loss {loss:.3f}, accuracy {accuracy:.1%}"
            )
    return accuracy


def _evaluate(weights: dict[str, Array], folder: str, name: str) -> tuple[float, float]:
    """The mean loss, and the share of digits read right."""
    pixels, labels = _read_split(folder, name)
    chances = predict(weights, pixels)
    return float(losses(chances, labels).mean()), float((chances.argmax(axis=1) == labels).mean())


def _best_accuracy() -> float:
    """The validation accuracy of the best network so far; 0 when there is none."""
    api, address = localart.Api(), f"{PROJECT}/trained-digits-net:best"
    return api.artifact(address).metadata["validation_accuracy"] if api.artifact_exists(address) else 0.0


# --- 5: report --------------------------------------------------------------------------------------------


def report_and_log() -> str:
    """Judge the trained network on digits it has never seen, and keep those it is most wrong about."""
    with localart.init(project=PROJECT, job_type="report") as run:
        folder = run.use_artifact("digits-preprocess:latest").download()
        weights = read_weights(run.use_artifact("trained-digits-net:latest").file())

        loss, accuracy = _evaluate(weights, folder, "test")
        run.summary.update({"test/loss": loss, "test/accuracy": accuracy})

        pictures = _worst_pictures(weights, folder)
        run.log({"high-loss-examples": pictures})

        worst = localart.Artifact(
            "worst-digits",
            type="evaluation",
            description="The test digits the network is most wrong about, the worst first",
            metadata={"test_accuracy": accuracy, "captions": [picture.caption for picture in pictures]},
        )
        for rank, picture in enumerate(pictures, start=1):
            worst.add(picture, f"worst-{rank:02}")
        run.log_artifact(worst)
    return run.id


def _worst_pictures(weights: dict[str, Array], folder: str) -> list[localart.Image]:
    pixels, labels = _read_split(folder, "test")
    chances = predict(weights, pixels)
    hardest = np.argsort(-losses(chances, labels), kind="stable")[:WORST]
    return [
        localart.Image(
            np.kron(pixels[which].reshape(8, 8), np.ones((8, 8))),  # 64 × 64 pixels, large enough to look at
            caption=f"read as {chances[which].argmax()}, is {labels[which]}",
        )
        for which in hardest
    ]
