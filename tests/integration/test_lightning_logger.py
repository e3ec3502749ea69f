"""A Lightning Trainer that logs to a run: both packages, every way of keeping checkpoints."""

import importlib
import inspect
import pickle
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import localart

torch = pytest.importorskip("torch")
lightning = pytest.importorskip("lightning.pytorch")

from localart.integration.lightning.for_lightning import LocalartLogger, WandbLogger  # noqa: E402

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore:.*dataloader.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*num_workers.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*logging interval.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*Checkpoint directory.*:UserWarning"),
    pytest.mark.filterwarnings("ignore:::lightning"),
    pytest.mark.filterwarnings("ignore:::pytorch_lightning"),
    pytest.mark.filterwarnings("ignore:::torch"),
]


def make_module(package: ModuleType, **settings: Any) -> Any:
    """A line to fit; `val_loss` follows `losses`, one an epoch."""

    class Line(package.LightningModule):
        def __init__(self, width: int = 2, losses: tuple[float, ...] = (3.0, 1.0, 2.0)) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(width, 1)

        def training_step(self, batch: Any, _index: int) -> Any:
            loss = self.layer(batch[0]).square().mean()
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: Any, _index: int) -> None:
            self.log("val_loss", torch.tensor(self.hparams.losses[self.current_epoch]))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    return Line(**settings)


def loader() -> Any:
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(8, 2)), batch_size=4)


def make_trainer(package: ModuleType, logger: Any, *callbacks: Any, **named: Any) -> Any:
    return package.Trainer(
        **{
            "max_epochs": 3,
            "accelerator": "cpu",
            "logger": logger,
            "callbacks": list(callbacks),
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "num_sanity_val_steps": 0,
            "log_every_n_steps": 1,
            **named,
        }
    )


def fit(logger: Any, *callbacks: Any, **named: Any) -> Any:
    trainer = make_trainer(lightning, logger, *callbacks, **named)
    trainer.fit(make_module(lightning), loader(), loader())
    return trainer


def best_two(**named: Any) -> Any:
    return lightning.callbacks.ModelCheckpoint(
        **{"monitor": "val_loss", "mode": "min", "save_top_k": 2, "filename": "{epoch}", **named}
    )


def test_a_training_logs_metrics_settings_and_each_checkpoint_as_it_is_written(
    versions: Any, history: Any, workdir: Path
) -> None:
    logger = WandbLogger(project="demo", log_model="all")

    fit(logger, best_two(save_top_k=1))

    run = localart.run
    assert run is not None
    localart.finish()
    rows = history(run.path)
    assert [row["trainer/global_step"] for row in rows if "train_loss" in row] == [0, 1, 2, 3, 4, 5]
    assert [row["val_loss"] for row in rows if "val_loss" in row] == [3.0, 1.0, 2.0]
    assert localart.Api().run(run.path).config["width"] == 2
    found = versions(f"demo/model-{run.id}")
    assert [(one.version, sorted(one.aliases)) for one in found] == [("v0", []), ("v1", ["best", "latest"])]
    assert [one.metadata["score"] for one in found] == [3.0, 1.0]
    assert found[1].metadata["monitor"] == "val_loss"
    assert found[1].metadata["original_filename"] == "epoch=1.ckpt"
    assert found[1].metadata["ModelCheckpoint"]["save_top_k"] == 1
    assert list(Path(logger.save_dir, "demo", run.id, "checkpoints").iterdir()) == [
        Path(logger.save_dir, "demo", run.id, "checkpoints", "epoch=1.ckpt")
    ], "the first one was deleted, and its version is all that is left"


def test_checkpoints_come_back_byte_for_byte_and_load(versions: Any) -> None:
    logger = WandbLogger(project="demo", log_model="all")
    keeper = best_two()
    fit(logger, keeper)
    name = f"demo/model-{logger.version}"
    localart.finish()

    with localart.init(project="demo", job_type="evaluate") as run:
        folder = run.use_artifact(f"{name}:best", type="model").download()

    path = Path(folder, "model.ckpt")
    assert path.read_bytes() == Path(keeper.best_model_path).read_bytes()
    model = type(make_module(lightning)).load_from_checkpoint(path)
    assert model.layer.weight.shape == (1, 2)
    assert torch.load(path, weights_only=False)["epoch"] == 1


def test_only_what_is_left_at_the_end_is_logged_when_asked_so(versions: Any) -> None:
    logger = LocalartLogger(project="demo", log_model=True)

    fit(logger, best_two(save_top_k=2))

    found = versions(f"demo/model-{logger.version}")
    assert [one.metadata["original_filename"] for one in found] == ["epoch=1.ckpt", "epoch=2.ckpt"]
    assert [sorted(one.aliases) for one in found] == [["best"], ["latest"]]


def test_a_last_checkpoint_that_is_the_best_one_again_is_no_version_of_its_own(versions: Any) -> None:
    logger = LocalartLogger(project="demo", log_model=True)

    fit(logger, best_two(save_top_k=1, save_last=True))

    (only,) = versions(f"demo/model-{logger.version}")
    assert sorted(only.aliases) == ["best", "latest"]


def test_a_checkpoint_that_is_overwritten_is_a_version_each_time(versions: Any) -> None:
    logger = LocalartLogger(project="demo", log_model="all")

    fit(logger, lightning.callbacks.ModelCheckpoint(filename="only", enable_version_counter=False))

    found = versions(f"demo/model-{logger.version}")
    assert [one.metadata["original_filename"] for one in found] == ["only.ckpt"] * 3
    assert sorted(found[-1].aliases) == ["best", "latest"]


def test_nothing_is_logged_as_a_model_by_default() -> None:
    logger = WandbLogger(project="demo")

    fit(logger, best_two())

    assert localart.run.logged_artifacts() == []


def test_a_training_that_fails_keeps_the_checkpoints_it_had(versions: Any) -> None:
    logger = WandbLogger(project="demo", log_model=True)

    class Stop(lightning.Callback):
        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            if trainer.current_epoch == 2:
                raise RuntimeError("the machine is wanted elsewhere")

    with pytest.raises(RuntimeError, match="wanted elsewhere"):
        fit(logger, Stop(), best_two())

    assert [one.metadata["score"] for one in versions(f"demo/model-{logger.version}")] == [3.0, 1.0]


def test_a_checkpoint_that_is_a_folder_of_shards_is_kept_whole(versions: Any, content: Any) -> None:
    from lightning.pytorch.plugins.io import TorchCheckpointIO

    class Shards(TorchCheckpointIO):
        """What sharded strategies do: a folder for each checkpoint."""

        def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
            folder = Path(path)
            folder.mkdir(parents=True, exist_ok=True)
            for index, (name, tensor) in enumerate(checkpoint["state_dict"].items()):
                torch.save({name: tensor}, folder / f"__{index}_0.distcp")
            (folder / ".metadata").write_text(str(checkpoint["epoch"]))

        def remove_checkpoint(self, path: Any) -> None:
            shutil.rmtree(path)

    logger = WandbLogger(project="demo", log_model="all")
    keeper = best_two(save_top_k=1)

    fit(logger, keeper, plugins=[Shards()])

    found = versions(f"demo/model-{logger.version}")
    assert [one.file_count for one in found] == [3, 3]
    assert sorted(found[-1].aliases) == ["best", "latest"]
    folder = Path(found[-1].download(), "model.ckpt")
    assert content(folder) == content(keeper.best_model_path)


def test_checkpoints_written_by_another_thread_are_all_kept_whole(versions: Any) -> None:
    from lightning.pytorch.plugins.io import AsyncCheckpointIO

    logger = WandbLogger(project="demo", log_model="all")

    fit(logger, best_two(save_top_k=-1), plugins=[AsyncCheckpointIO()])

    found = versions(f"demo/model-{logger.version}")
    assert sorted(one.metadata["original_filename"] for one in found) == [f"epoch={n}.ckpt" for n in range(3)]
    for one in found:
        assert torch.load(Path(one.download(), "model.ckpt"), weights_only=False)["epoch"] in {0, 1, 2}
    (best,) = [one for one in found if "best" in one.aliases]
    assert best.metadata["score"] == 1.0


def test_a_file_that_is_still_being_written_waits(tmp_path: Path) -> None:
    from localart.integration.lightning.checkpoints import Checkpoint, CheckpointsSeen

    whole = tmp_path / "whole.ckpt"
    torch.save({"a": torch.zeros(1000)}, whole)
    half = tmp_path / "half.ckpt"
    half.write_bytes(whole.read_bytes()[:-100])
    seen = CheckpointsSeen()
    announced = Checkpoint(path=half, score=None, is_best=True, facts={})

    assert seen.take_new([announced]) == []
    shutil.copyfile(whole, half)
    assert seen.take_new([]) == [announced]
    assert seen.take_new([announced]) == []


def test_the_run_that_is_active_is_used() -> None:
    with localart.init(project="mine", name="outer") as run:
        logger = WandbLogger()
        logger.log_metrics({"a": 1.0}, step=3)

        assert logger.experiment is run
        assert logger.version == run.id
        assert run.summary["trainer/global_step"] == 3


def test_a_name_that_the_active_run_does_not_have_is_warned_of() -> None:
    with localart.init(project="mine", name="fold-0"):
        with pytest.warns(UserWarning, match="the active run fold-0"):
            WandbLogger(name="fold-1").log_metrics({"a": 1.0})


def test_a_run_is_continued_by_its_id(history: Any) -> None:
    for value in (1.0, 2.0):
        logger = WandbLogger(project="demo", id="abc")
        logger.log_metrics({"a": value}, step=0)
        localart.finish()

    assert [row["a"] for row in history("demo/abc")] == [1.0, 2.0]


def test_a_prefix_comes_before_every_metric() -> None:
    logger = WandbLogger(project="demo", prefix="net")

    logger.log_metrics({"loss": 1.5}, step=1)

    assert localart.run.summary["net-loss"] == 1.5


def test_settings_that_json_cannot_hold_are_kept_as_text() -> None:
    logger = WandbLogger(project="demo")

    logger.log_hyperparams({"layer": object(), "rate": 0.1, "deep": {"one": object(), "two": 2}})

    config = localart.run.config
    assert config["rate"] == 0.1
    assert config["layer"].startswith("<object object")
    assert config["deep"]["two"] == 2


def test_other_ranks_do_nothing(monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    from lightning_utilities.core.rank_zero import rank_zero_only

    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = WandbLogger(project="demo")

    logger.log_metrics({"a": 1.0})
    logger.log_hyperparams({"a": 1})
    logger.experiment.log({"a": 1})
    logger.finalize("success")

    assert localart.run is None
    assert not store.exists()


def test_a_logger_in_another_process_continues_the_same_run() -> None:
    logger = WandbLogger(project="demo")

    copy = pickle.loads(pickle.dumps(logger))

    copy.log_metrics({"a": 1.0})
    assert copy.version == logger.version == localart.run.id


def test_a_disabled_run_keeps_nothing(store: Path) -> None:
    with localart.init(mode="disabled"):
        fit(WandbLogger(log_model="all"), best_two())

    assert not store.exists()


def test_artifacts_are_used_and_downloaded(versions: Any) -> None:
    with localart.init(project="demo") as run:
        data = localart.Artifact("data", type="dataset")
        with data.new_file("a.txt") as file:
            file.write("a")
        run.log_artifact(data)

    assert Path(WandbLogger.download_artifact("demo/data:latest", "here"), "a.txt").read_text() == "a"
    logger = WandbLogger(project="demo")
    assert logger.use_artifact("data:latest", "dataset").version == "v0"
    assert Path(logger.download_artifact("data:v0"), "a.txt").read_text() == "a"
    assert [one.source_name for one in localart.run.used_artifacts()] == ["data:v0"]


def test_images_go_to_the_run_with_their_captions() -> None:
    logger = WandbLogger(project="demo")

    logger.log_image("seen", [torch.zeros(3, 8, 8), torch.ones(3, 8, 8)], step=1, caption=["dark", "light"])

    assert localart.run.summary["seen"]["captions"] == ["dark", "light"]
    with pytest.raises(ValueError, match="images has 1 items, and caption has 2"):
        logger.log_image("seen", [torch.zeros(3, 8, 8)], caption=["a", "b"])
    with pytest.raises(TypeError, match="must be a list"):
        logger.log_image("seen", torch.zeros(3, 8, 8))


def test_texts_and_tables_go_to_the_run() -> None:
    logger = WandbLogger(project="demo")

    logger.log_text("samples", columns=["input", "label"], data=[["cheese", "english"]], step=2)

    assert localart.run.summary["samples"]["nrows"] == 1


def test_a_model_is_watched_and_left_alone_again() -> None:
    logger = WandbLogger(project="demo")
    model = torch.nn.Linear(2, 1)

    logger.watch(model, log="all", log_freq=1)
    logger.unwatch(model)

    assert not model._forward_hooks


def test_the_older_package_has_a_logger_of_its_own(versions: Any) -> None:
    package = pytest.importorskip("pytorch_lightning")
    kind = importlib.import_module("localart.integration.lightning.for_pytorch_lightning").WandbLogger
    logger = kind(project="demo", log_model="all")
    keeper = package.callbacks.ModelCheckpoint(monitor="val_loss", mode="min", save_top_k=1)

    make_trainer(package, logger, keeper).fit(make_module(package), loader(), loader())

    assert isinstance(logger, package.loggers.Logger)
    assert [sorted(one.aliases) for one in versions(f"demo/model-{logger.version}")] == [
        [],
        ["best", "latest"],
    ]


def test_every_argument_and_member_of_lightnings_own_wandb_logger_is_there() -> None:
    from lightning.pytorch.loggers import WandbLogger as Theirs

    wanted = inspect.signature(Theirs.__init__).parameters
    found = inspect.signature(WandbLogger.__init__).parameters

    assert list(found) == list(wanted)
    assert {name: one.default for name, one in found.items()} == {
        name: one.default for name, one in wanted.items()
    }
    assert not {name for name in dir(Theirs) if not name.startswith("_")} - set(dir(WandbLogger))


def test_the_plain_name_is_the_class_for_the_package_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from localart.integration import lightning as chosen

    assert chosen.LocalartLogger is LocalartLogger
    monkeypatch.delitem(sys.modules, "lightning.pytorch")
    monkeypatch.setitem(sys.modules, "pytorch_lightning", ModuleType("pytorch_lightning"))
    assert chosen._package_in_use() == "for_pytorch_lightning"
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        chosen.Nonsense  # noqa: B018
