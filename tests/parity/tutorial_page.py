"""The same pipeline as W&B's documentation page writes it: `run.config`, `run.log`, `run.save`.

Its helpers open a run of their own inside the step's `with wandb.init(...)`: they get the step's run, and
their end does not finish it.
"""

import os

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import localart as wandb

PROJECT = "artifacts-example"
SPLITS = ("training", "validation", "test")
SIZES = (64, 24, 40)


def load(sizes=SIZES):
    """Three sets of random bytes of MNIST's shape, always the same ones."""
    generator = torch.Generator().manual_seed(11)
    return [
        TensorDataset(
            torch.randint(0, 256, (size, 28, 28), generator=generator).to(torch.uint8),
            torch.randint(0, 10, (size,), generator=generator),
        )
        for size in sizes
    ]


def load_and_log():
    with wandb.init(project=PROJECT, job_type="load-data") as run:
        datasets = load()

        raw_data = wandb.Artifact(
            "mnist-raw",
            type="dataset",
            description="Raw digits, split",
            metadata={"source": "torch.randint", "sizes": [len(dataset) for dataset in datasets]},
        )

        for name, data in zip(SPLITS, datasets, strict=True):
            with raw_data.new_file(name + ".pt", mode="wb") as file:
                x, y = data.tensors
                torch.save((x, y), file)

        run.log_artifact(raw_data)


def preprocess(dataset, normalize=True, expand_dims=True):
    x, y = dataset.tensors
    if normalize:
        x = x.type(torch.float32) / 255
    if expand_dims:
        x = torch.unsqueeze(x, 1)
    return TensorDataset(x, y)


def read(data_dir, split):
    x, y = torch.load(os.path.join(data_dir, split + ".pt"))
    return TensorDataset(x, y)


def preprocess_and_log(steps):
    with wandb.init(project=PROJECT, job_type="preprocess-data") as run:
        processed_data = wandb.Artifact(
            "mnist-preprocess", type="dataset", description="Ready for training", metadata=steps
        )

        raw_data_artifact = run.use_artifact("mnist-raw:latest")
        raw_dataset = raw_data_artifact.download(root="./data/artifacts/")

        for split in SPLITS:
            processed = preprocess(read(raw_dataset, split), **steps)
            with processed_data.new_file(split + ".pt", mode="wb") as file:
                torch.save(processed.tensors, file)

        run.log_artifact(processed_data)


class ConvNet(nn.Module):
    """One convolution and a linear layer."""

    def __init__(self, hidden_layer_sizes, kernel_sizes, activation, pool_sizes, dropout, num_classes):
        super().__init__()
        layers, channels = [], 1
        for size, kernel, pool in zip(hidden_layer_sizes, kernel_sizes, pool_sizes, strict=True):
            layers += [nn.Conv2d(channels, size, kernel), getattr(nn, activation)(), nn.MaxPool2d(pool)]
            channels = size
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(dropout), nn.LazyLinear(num_classes))

    def forward(self, x):
        return self.layers(x)


def build_model_and_log(config):
    with wandb.init(project=PROJECT, job_type="initialize", config=config) as run:
        config = run.config

        torch.manual_seed(3)
        model = ConvNet(**config)
        model(torch.zeros(1, 1, 28, 28))

        model_artifact = wandb.Artifact(
            "convnet", type="model", description="Untrained", metadata=dict(config)
        )

        torch.save(model.state_dict(), "initialized_model.pth")
        model_artifact.add_file("initialized_model.pth")

        run.save("initialized_model.pth")
        run.log_artifact(model_artifact)


def train(model, train_loader, valid_loader, config):
    with wandb.init(project=PROJECT, job_type="train") as run:
        optimizer = getattr(torch.optim, config.optimizer)(model.parameters())
        model.train()
        example_ct = 0
        for epoch in range(config.epochs):
            for batch_idx, (data, target) in enumerate(train_loader):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(data), target)
                loss.backward()
                optimizer.step()
                example_ct += len(data)

                if batch_idx % config.batch_log_interval == 0:
                    train_log(loss, example_ct, epoch)

            loss, accuracy = test(model, valid_loader)
            test_log(loss, accuracy, example_ct, epoch)
        run.config.update({"trained_examples": example_ct})


@torch.no_grad()
def test(model, test_loader):
    model.eval()
    test_loss, correct = 0.0, 0
    for data, target in test_loader:
        output = model(data)
        test_loss += functional.cross_entropy(output, target, reduction="sum")
        correct += (
            output.argmax(dim=1, keepdim=True).eq(target.view_as(output.argmax(dim=1, keepdim=True))).sum()
        )
    return test_loss / len(test_loader.dataset), 100.0 * correct / len(test_loader.dataset)


def train_log(loss, example_ct, epoch):
    loss = loss.item()
    with wandb.init(project=PROJECT, job_type="train") as run:
        run.log({"epoch": epoch, "train/loss": loss}, step=example_ct)


def test_log(loss, accuracy, example_ct, epoch):
    loss, accuracy = float(loss), float(accuracy)
    with wandb.init() as run:
        run.log({"epoch": epoch, "validation/loss": loss, "validation/accuracy": accuracy}, step=example_ct)


def train_and_log(config):
    with wandb.init(project=PROJECT, job_type="train", config=config) as run:
        config = run.config

        data = run.use_artifact("mnist-preprocess:latest")
        data_dir = data.download()
        training_dataset = read(data_dir, "training")
        validation_dataset = read(data_dir, "validation")
        train_loader = DataLoader(training_dataset, batch_size=config.batch_size)
        validation_loader = DataLoader(validation_dataset, batch_size=config.batch_size)

        model_artifact = run.use_artifact("convnet:latest")
        model_dir = model_artifact.download()
        model_path = os.path.join(model_dir, "initialized_model.pth")
        model_config = model_artifact.metadata
        config.update(model_config)

        model = ConvNet(**model_config)
        model.load_state_dict(torch.load(model_path))

        train(model, train_loader, validation_loader, config)

        model_artifact = wandb.Artifact(
            "trained-model", type="model", description="Trained", metadata=dict(model_config)
        )
        torch.save(model.state_dict(), "trained_model.pth")
        model_artifact.add_file("trained_model.pth")
        run.save("trained_model.pth")

        run.log_artifact(model_artifact)

    return model


@torch.no_grad()
def get_hardest_k_examples(model, testing_set, k=32):
    model.eval()
    data, target = testing_set.tensors
    output = model(data)
    losses = functional.cross_entropy(output, target, reduction="none")
    argsort_loss = torch.argsort(losses, dim=0)
    hardest = argsort_loss[-k:]
    return data[hardest], target[hardest], output[hardest].argmax(dim=1)


def evaluate_and_log(config=None):
    with wandb.init(project=PROJECT, job_type="report", config=config) as run:
        data = run.use_artifact("mnist-preprocess:latest")
        testing_set = read(data.download(), "test")
        test_loader = DataLoader(testing_set, batch_size=16, shuffle=False)

        model_artifact = run.use_artifact("trained-model:latest")
        model_dir = model_artifact.download()
        model = ConvNet(**model_artifact.metadata)
        model.load_state_dict(torch.load(os.path.join(model_dir, "trained_model.pth")))

        loss, accuracy = test(model, test_loader)
        examples, labels, predictions = get_hardest_k_examples(model, testing_set)

        run.summary.update({"loss": loss, "accuracy": accuracy})

        run.log(
            {
                "high-loss-examples": [
                    wandb.Image(example, caption=str(int(prediction)) + "," + str(int(label)))
                    for example, prediction, label in zip(examples, predictions, labels, strict=True)
                ]
            }
        )


STEPS = {"normalize": True, "expand_dims": True}
MODEL_CONFIG = {
    "hidden_layer_sizes": [6],
    "kernel_sizes": [5],
    "activation": "ReLU",
    "pool_sizes": [4],
    "dropout": 0.5,
    "num_classes": 10,
}
TRAIN_CONFIG = {"batch_size": 16, "epochs": 2, "batch_log_interval": 2, "optimizer": "Adam"}


def main():
    load_and_log()
    preprocess_and_log(STEPS)
    build_model_and_log(MODEL_CONFIG)
    train_and_log(TRAIN_CONFIG)
    evaluate_and_log()


if __name__ == "__main__":
    main()
