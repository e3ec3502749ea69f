"""The five-step pipeline of W&B's Artifacts notebook, for PyTorch: only the import line names localart.

Everything else is what a W&B user writes: module-level `wandb.log`, `wandb.config`, `wandb.save`, and one
`with wandb.init(...)` for each step.
"""

import os
import random

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import localart as wandb

PROJECT = "artifacts-example"
SPLITS = ("training", "validation", "test")
SIZES = {"training": 64, "validation": 24, "test": 40}


# --- 1: load ------------------------------------------------------------------------------------------


def make_splits():
    """Digits that are not there: random bytes of MNIST's shape, always the same ones."""
    generator = torch.Generator().manual_seed(7)
    splits = []
    for name in SPLITS:
        count = SIZES[name]
        pixels = torch.randint(0, 256, (count, 28, 28), generator=generator).to(torch.uint8)
        labels = torch.randint(0, 10, (count,), generator=generator)
        splits.append(TensorDataset(pixels, labels))
    return splits


def load_and_log():
    with wandb.init(project=PROJECT, job_type="load-data") as run:
        splits = make_splits()

        raw_data = wandb.Artifact(
            "mnist-raw",
            type="dataset",
            description="Random stand-in for MNIST, split in three",
            metadata={"source": "torch.randint", "sizes": [len(split) for split in splits]},
        )
        for name, split in zip(SPLITS, splits, strict=True):
            with raw_data.new_file(name + ".pt", mode="wb") as file:
                torch.save(split.tensors, file)

        run.log_artifact(raw_data)


# --- 2: preprocess --------------------------------------------------------------------------------------


def preprocess(pixels, labels, normalize=True, expand_dims=True):
    if normalize:
        pixels = pixels.to(torch.float32) / 255
    if expand_dims:
        pixels = torch.unsqueeze(pixels, 1)
    return pixels, labels


def read_split(folder, name):
    pixels, labels = torch.load(os.path.join(folder, name + ".pt"))
    return pixels, labels


def preprocess_and_log(steps):
    with wandb.init(project=PROJECT, job_type="preprocess-data") as run:
        processed_data = wandb.Artifact(
            "mnist-preprocess", type="dataset", description="Scaled and shaped digits", metadata=steps
        )

        raw_data_artifact = run.use_artifact("mnist-raw:latest")
        raw_folder = raw_data_artifact.download()

        for name in SPLITS:
            ready = preprocess(*read_split(raw_folder, name), **steps)
            with processed_data.new_file(name + ".pt", mode="wb") as file:
                torch.save(ready, file)

        run.log_artifact(processed_data)


# --- 3: initialize ----------------------------------------------------------------------------------------


class ConvNet(nn.Module):
    """Two convolutions and a linear layer; every size comes from the config."""

    def __init__(self, hidden_layer_sizes, kernel_sizes, activation, pool_sizes, dropout, num_classes):
        super().__init__()
        first, second = hidden_layer_sizes
        self.features = nn.Sequential(
            nn.Conv2d(1, first, kernel_sizes[0]),
            getattr(nn, activation)(),
            nn.MaxPool2d(pool_sizes[0]),
            nn.Conv2d(first, second, kernel_sizes[1]),
            getattr(nn, activation)(),
            nn.MaxPool2d(pool_sizes[1]),
            nn.Flatten(),
            nn.Dropout(dropout),
        )
        self.classify = nn.LazyLinear(num_classes)

    def forward(self, pixels):
        return self.classify(self.features(pixels))


def build_model_and_log(config):
    with wandb.init(project=PROJECT, job_type="initialize", config=config) as run:
        config = wandb.config

        torch.manual_seed(0)
        model = ConvNet(**config)
        model(torch.zeros(1, 1, 28, 28))

        model_artifact = wandb.Artifact(
            "convnet", type="model", description="An untrained convolutional network", metadata=dict(config)
        )

        torch.save(model.state_dict(), "initialized_model.pth")
        model_artifact.add_file("initialized_model.pth")
        wandb.save("initialized_model.pth")

        run.log_artifact(model_artifact)


# --- 4: train ---------------------------------------------------------------------------------------------


def train(model, train_loader, valid_loader, config):
    optimizer = getattr(torch.optim, config.optimizer)(model.parameters())
    example_count = 0
    for epoch in range(config.epochs):
        model.train()
        for batch_number, (pixels, labels) in enumerate(train_loader):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(pixels), labels)
            loss.backward()
            optimizer.step()
            example_count += len(pixels)

            if batch_number % config.batch_log_interval == 0:
                train_log(loss, example_count, epoch)

        loss, accuracy = evaluate(model, valid_loader)
        validation_log(loss, accuracy, example_count, epoch)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    loss, correct, count = 0.0, torch.tensor(0), 0
    for pixels, labels in loader:
        scores = model(pixels)
        loss += functional.cross_entropy(scores, labels, reduction="sum")
        correct += (scores.argmax(dim=1) == labels).sum()
        count += len(labels)
    return loss / count, 100.0 * correct / count


def train_log(loss, example_count, epoch):
    wandb.log({"epoch": epoch, "train/loss": loss}, step=example_count)


def validation_log(loss, accuracy, example_count, epoch):
    wandb.log({"epoch": epoch, "validation/loss": loss, "validation/accuracy": accuracy}, step=example_count)


def loader_of(folder, name, batch_size):
    return DataLoader(TensorDataset(*read_split(folder, name)), batch_size=batch_size)


def train_and_log(config):
    with wandb.init(project=PROJECT, job_type="train", config=config) as run:
        config = wandb.config

        data = run.use_artifact("mnist-preprocess:latest")
        data_folder = data.download()
        train_loader = loader_of(data_folder, "training", config.batch_size)
        valid_loader = loader_of(data_folder, "validation", config.batch_size)

        model_artifact = run.use_artifact("convnet:latest")
        model_folder = model_artifact.download()
        model_config = model_artifact.metadata
        config.update(model_config)

        model = ConvNet(**model_config)
        model.load_state_dict(torch.load(os.path.join(model_folder, "initialized_model.pth")))

        torch.manual_seed(1)
        train(model, train_loader, valid_loader, config)

        model_artifact = wandb.Artifact(
            "trained-model", type="model", description="A trained network", metadata=dict(model_config)
        )
        torch.save(model.state_dict(), "trained_model.pth")
        model_artifact.add_file("trained_model.pth")
        wandb.save("trained_model.pth")

        run.log_artifact(model_artifact)


# --- 5: report --------------------------------------------------------------------------------------------


@torch.no_grad()
def hardest_examples(model, pixels, labels, k=32):
    model.eval()
    scores = model(pixels)
    losses = functional.cross_entropy(scores, labels, reduction="none")
    order = torch.argsort(losses, descending=True)[:k]
    return pixels[order], labels[order], scores.argmax(dim=1)[order]


def evaluate_and_log(config=None):
    with wandb.init(project=PROJECT, job_type="report", config=config) as run:
        data_folder = run.use_artifact("mnist-preprocess:latest").download()

        model_artifact = run.use_artifact("trained-model:latest")
        model_folder = model_artifact.download()
        model = ConvNet(**model_artifact.metadata)
        model.load_state_dict(torch.load(os.path.join(model_folder, "trained_model.pth")))

        loss, accuracy = evaluate(model, loader_of(data_folder, "test", 16))
        run.summary.update({"loss": loss, "accuracy": accuracy})

        images, labels, predictions = hardest_examples(model, *read_split(data_folder, "test"))
        wandb.log(
            {
                "high-loss-examples": [
                    wandb.Image(image, caption=str(int(prediction)) + "," + str(int(label)))
                    for image, prediction, label in zip(images, predictions, labels, strict=True)
                ]
            }
        )


# --- all of it ----------------------------------------------------------------------------------------------

STEPS = {"normalize": True, "expand_dims": True}
MODEL_CONFIG = {
    "hidden_layer_sizes": [4, 8],
    "kernel_sizes": [3, 3],
    "activation": "ReLU",
    "pool_sizes": [2, 2],
    "dropout": 0.5,
    "num_classes": 10,
}
TRAIN_CONFIG = {"batch_size": 16, "epochs": 2, "batch_log_interval": 2, "optimizer": "Adam"}


def main():
    random.seed(0)
    load_and_log()
    preprocess_and_log(STEPS)
    build_model_and_log(MODEL_CONFIG)
    train_and_log(TRAIN_CONFIG)
    evaluate_and_log()


if __name__ == "__main__":
    main()
