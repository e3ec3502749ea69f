"""A small network in plain NumPy: one hidden layer, trained by mini-batches with momentum."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
Weights: TypeAlias = dict[str, Array]
"""`hidden`, `hidden_bias`, `output`, `output_bias`."""


def new_weights(*, inputs: int, hidden: int, outputs: int, seed: int) -> Weights:
    """Weights nobody has trained: the same ones for the same seed."""
    chance = np.random.default_rng(seed)
    return {
        "hidden": chance.normal(0.0, np.sqrt(2.0 / inputs), (inputs, hidden)),
        "hidden_bias": np.zeros(hidden),
        "output": chance.normal(0.0, np.sqrt(2.0 / hidden), (hidden, outputs)),
        "output_bias": np.zeros(outputs),
    }


def write_weights(weights: Weights, file: IO[bytes]) -> None:
    """Write them as float32; the same weights give the same bytes."""
    np.savez(file, **{name: array.astype(np.float32) for name, array in weights.items()})


def read_weights(path: str | Path) -> Weights:
    """Read what `write_weights` wrote."""
    with np.load(path) as stored:
        return {name: stored[name].astype(np.float64) for name in stored.files}


def predict(weights: Weights, pixels: Array) -> Array:
    """The probability of each class, a row for each picture."""
    return _softmax(_activations(weights, pixels) @ weights["output"] + weights["output_bias"])


def losses(chances: Array, labels: Array) -> Array:
    """How surprised the network is by each right answer (cross-entropy)."""
    return -np.log(np.maximum(chances[np.arange(len(labels)), labels], 1e-12))


def train_batches(
    weights: Weights,
    pixels: Array,
    labels: Array,
    *,
    batch_size: int,
    learning_rate: float,
    momentum: float,
    epochs: int,
    seed: int,
) -> Iterator[tuple[int, int, float]]:
    """Train `weights` in place; after each batch: the epoch, the pictures seen so far, and the batch's loss.

    Pictures are shuffled anew for each epoch. In double precision, so that the float32 weights that are kept
    do not depend on the order in which a machine adds.
    """
    chance = np.random.default_rng(seed)
    speed = {name: np.zeros_like(array) for name, array in weights.items()}
    seen = 0
    for epoch in range(epochs):
        order = chance.permutation(len(labels))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            loss, slopes = _slopes(weights, pixels[batch], labels[batch])
            for name, slope in slopes.items():
                speed[name] = momentum * speed[name] - learning_rate * slope
                weights[name] += speed[name]
            seen += len(batch)
            yield epoch, seen, loss


def _activations(weights: Weights, pixels: Array) -> Array:
    return np.maximum(pixels @ weights["hidden"] + weights["hidden_bias"], 0.0)


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _slopes(weights: Weights, pixels: Array, labels: Array) -> tuple[float, Weights]:
    """The mean loss of a batch, and the slope of it along each weight."""
    active = _activations(weights, pixels)
    chances = _softmax(active @ weights["output"] + weights["output_bias"])
    error = chances.copy()
    error[np.arange(len(labels)), labels] -= 1.0
    error /= len(labels)
    behind = (error @ weights["output"].T) * (active > 0)
    slopes = {
        "hidden": pixels.T @ behind,
        "hidden_bias": behind.sum(axis=0),
        "output": active.T @ error,
        "output_bias": error.sum(axis=0),
    }
    return float(losses(chances, labels).mean()), slopes
