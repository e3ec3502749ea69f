"""Hugging Face's Trainer that logs to a run: checkpoints outlive the Trainer's own rotation."""

from pathlib import Path
from typing import Any

import pytest

import localart

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from localart.integration.transformers import LocalartCallback, WandbCallback, register  # noqa: E402

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore:::torch"),
    pytest.mark.filterwarnings("ignore:::transformers"),
    pytest.mark.filterwarnings("ignore:::accelerate"),
]


def make_model() -> Any:
    config = transformers.BertConfig(
        vocab_size=16, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=8, num_labels=2,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config)


def rows(count: int = 8) -> list[dict[str, Any]]:
    return [{"input_ids": torch.tensor([1, 2, index % 3]), "labels": index % 2} for index in range(count)]


class Judge:
    """Metrics that say which step was the best, whatever the model learns."""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores)

    def __call__(self, _prediction: Any) -> dict[str, float]:
        return {"score": self.scores.pop(0) if self.scores else 0.0}


def make_trainer(*callbacks: Any, scores: tuple[float, ...] = (0.1, 0.9, 0.5), **named: Any) -> Any:
    args = transformers.TrainingArguments(
        **{
            "output_dir": "out",
            "num_train_epochs": 3,
            "per_device_train_batch_size": 4,
            "logging_steps": 1,
            "save_strategy": "epoch",
            "eval_strategy": "epoch",
            "save_total_limit": 1,
            "metric_for_best_model": "score",
            "greater_is_better": True,
            "use_cpu": True,
            "report_to": "none",
            "disable_tqdm": True,
            **named,
        }
    )
    return transformers.Trainer(
        model=make_model(),
        args=args,
        train_dataset=rows(),
        eval_dataset=rows(4),
        compute_metrics=Judge(*scores),
        callbacks=list(callbacks),
    )


def test_a_training_logs_metrics_settings_and_checkpoints_that_the_trainer_deletes(
    versions: Any, history: Any
) -> None:
    make_trainer(LocalartCallback()).train()

    run = localart.run
    assert run.project == "huggingface"
    localart.finish()
    kept = history(run.path)
    assert [row["train/global_step"] for row in kept if "train/loss" in row] == [1, 2, 3, 4, 5, 6]
    assert [row["eval/score"] for row in kept if "eval/score" in row] == [0.1, 0.9, 0.5]
    summary, config = localart.Api().run(run.path).summary, localart.Api().run(run.path).config
    assert summary["train_loss"] > 0
    assert config["hidden_size"] == 8
    assert config["num_train_epochs"] == 3
    assert config["model/num_parameters"] > 0
    assert len(list(Path("out").glob("checkpoint-*"))) < 3
    found = versions(f"huggingface/model-{run.id}")
    assert [sorted(one.aliases) for one in found] == [
        ["checkpoint_global_step_2", "epoch_1.0"],
        ["best", "checkpoint_global_step_4", "epoch_2.0"],
        ["checkpoint_global_step_6", "epoch_3.0"],
        ["final_model", "latest"],
    ]
    assert found[1].metadata["monitor"] == "score"
    assert found[1].metadata["best_metric"] == 0.9
    assert found[1].metadata["summary"]["eval/score"] == 0.9


def test_the_best_checkpoint_comes_back_byte_for_byte_and_loads(content: Any) -> None:
    trainer = make_trainer(LocalartCallback(), save_total_limit=None)
    trainer.train()
    run_id = localart.run.id
    localart.finish()

    with localart.init(project="huggingface") as run:
        folder = run.use_artifact(f"model-{run_id}:best").download()

    assert content(folder) == content("out/checkpoint-4")
    model = transformers.BertForSequenceClassification.from_pretrained(folder)
    wanted = transformers.BertForSequenceClassification.from_pretrained("out/checkpoint-4")
    assert all(
        torch.equal(one, other) for one, other in zip(model.parameters(), wanted.parameters(), strict=True)
    )


def test_the_final_model_is_the_best_one_when_the_trainer_loads_it_again(versions: Any) -> None:
    trainer = make_trainer(LocalartCallback(log_model="end"), load_best_model_at_end=True)

    trainer.train()

    (only,) = versions(f"huggingface/model-{localart.run.id}")
    assert sorted(only.aliases) == ["final_model", "latest"]
    model = transformers.BertForSequenceClassification.from_pretrained(only.download())
    assert all(
        torch.equal(one, other)
        for one, other in zip(model.parameters(), trainer.model.parameters(), strict=True)
    )


@pytest.mark.parametrize(
    ("setting", "count"),
    [(None, 0), ("false", 0), ("end", 1), ("checkpoint", 4)],
    ids=["unset", "false", "end", "checkpoint"],
)
def test_the_wandb_name_logs_models_only_when_the_environment_says_so(
    setting: str | None, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting is not None:
        monkeypatch.setenv("WANDB_LOG_MODEL", setting)

    make_trainer(WandbCallback()).train()

    assert len(localart.run.logged_artifacts()) == count


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="log_model must be one of checkpoint, end, false"):
        LocalartCallback(log_model="sometimes")


def test_report_to_finds_the_registered_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.integrations import integration_utils

    monkeypatch.setattr(
        integration_utils, "INTEGRATION_TO_CALLBACK", dict(integration_utils.INTEGRATION_TO_CALLBACK)
    )
    with pytest.raises(ValueError, match="localart is not supported"):
        make_trainer(report_to="localart")

    register()
    make_trainer(report_to="localart", save_strategy="no", eval_strategy="no", max_steps=1).train()

    assert localart.run.summary["train/global_step"] == 1


def test_the_active_run_is_used_and_not_finished() -> None:
    with localart.init(project="mine") as run:
        make_trainer(LocalartCallback(), save_strategy="no", eval_strategy="no", max_steps=1).train()

        assert localart.run is run
        assert run.config["max_steps"] == 1


def test_versions_are_named_after_a_run_that_was_named(versions: Any) -> None:
    make_trainer(LocalartCallback(), run_name="tiny-bert", max_steps=2).train()

    assert localart.run.name == "tiny-bert"
    assert len(versions("huggingface/model-tiny-bert")) == 2


def test_a_run_name_that_no_artifact_may_have_leaves_the_runs_id(versions: Any) -> None:
    make_trainer(LocalartCallback(), run_name="bert, take 2", max_steps=2).train()

    assert len(versions(f"huggingface/model-{localart.run.id}")) == 2


def test_each_trial_of_a_search_is_a_run_with_checkpoints_of_its_own(versions: Any) -> None:
    pytest.importorskip("optuna").logging.set_verbosity(40)
    trainer = make_trainer(LocalartCallback(), max_steps=2, scores=())
    trainer.model_init = lambda _trial=None: make_model()

    trainer.hyperparameter_search(
        lambda trial: {"learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-3)},
        backend="optuna",
        n_trials=2,
    )
    localart.finish()

    found = list(localart.Api().runs("huggingface"))
    assert len(found) == 2
    for run in found:
        assert [max(one.aliases) for one in versions(f"huggingface/model-{run.id}")] == [
            "epoch_1.0",
            "latest",
        ]


def test_processes_that_are_not_the_worlds_first_do_nothing(store: Path) -> None:
    callback = LocalartCallback()
    args = transformers.TrainingArguments(output_dir="out", use_cpu=True, report_to="none")
    state = transformers.TrainerState(is_world_process_zero=False)
    control = transformers.TrainerControl()

    callback.on_train_begin(args, state, control, model=None)
    callback.on_log(args, state, control, logs={"loss": 1.0})
    callback.on_save(args, state, control)
    callback.on_train_end(args, state, control, model=torch.nn.Linear(1, 1))

    assert localart.run is None
    assert not store.exists()


def test_a_model_of_plain_torch_is_kept_as_safetensors(versions: Any) -> None:
    callback = LocalartCallback("end")
    args = transformers.TrainingArguments(output_dir="out", use_cpu=True, report_to="none")
    model = torch.nn.Linear(2, 1)

    callback.on_train_end(args, transformers.TrainerState(), transformers.TrainerControl(), model=model)

    from safetensors.torch import load_file

    (only,) = versions(f"huggingface/model-{localart.run.id}")
    assert torch.equal(load_file(Path(only.download(), "model.safetensors"))["weight"], model.weight)
