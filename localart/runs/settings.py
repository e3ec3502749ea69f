"""`Settings`: what users pass to `init(settings=…)`, under W&B's names."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localart.errors import InvalidSetting
from localart.names import shown

MODES = ("online", "offline", "disabled", "shared", "dryrun", "run")
RESUMES = ("allow", "must", "never", "auto")
REINITS = ("default", "return_previous", "finish_previous", "create_new")
CONSOLES = ("auto", "off", "wrap", "redirect", "wrap_raw", "wrap_emu")

_CHOICES: Mapping[str, tuple[object, ...]] = {
    "mode": MODES,
    "resume": (*RESUMES, True, False),
    "reinit": (*REINITS, True, False),
    "console": CONSOLES,
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MEANT = _words("""
    allow_val_change config_paths console disable_code disable_git entity fork_from ignore_globs job_name mode program
    project quiet reinit resume resume_from root_dir run_group run_id run_job_type run_name run_notes run_tags
    save_code silent x_disable_machine_info x_disable_meta x_save_requirements
""")
"""The settings that change what localart does."""

ACCEPTED = _words("""
    allow_media_symlink allow_offline_artifacts anonymous api_key app_url_override
    azure_account_url_to_access_key base_url capture_loggers code_dir console_chunk_max_bytes
    console_chunk_max_seconds console_multipart credentials_file disable_git_fork_point disable_job_creation
    disabled docker email files_dir finish_timeout finish_timeout_raises force git_commit git_remote git_remote_url
    git_root heartbeat_seconds host http_proxy https_proxy identity_token_file init_timeout
    insecure_disable_ssl job_source label_disable launch launch_config_path log_dir log_internal log_user
    login_timeout max_end_of_run_history_metrics max_end_of_run_summary_metrics notebook_name offline
    organization program_abspath program_relpath project_url relogin resumed run_mode run_url sagemaker_disable
    settings_system show_colors show_emoji show_errors show_info show_warnings start_method stop_fn
    stop_on_fatal_error strict summary_timeout summary_warnings sweep_id sweep_param_path sweep_url symlink
    sync_dir sync_tensorboard table_raise_on_max_row_limit_exceeded timespec use_dot_wandb username wandb_dir
""")
"""The settings of W&B that mean nothing without a server; they are kept and can be read."""


class Settings:
    """What a run is told beside the arguments of `init`, which come first; the environment comes after these.

    Takes W&B's settings by name. Those of a server or of its own machinery (`x_…`) are accepted and mean nothing
    here. A name W&B does not know is an InvalidSetting (a ValueError), and so is a value it cannot have.
    `a | b` are the settings of both; where both have one, `b`'s.
    """

    __slots__ = ("_given",)
    _given: dict[str, Any]

    def __init__(self, **settings: Any) -> None:
        object.__setattr__(self, "_given", {})
        for name, value in settings.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        name = _name(name)
        choices = _CHOICES.get(name)
        if choices is not None and value is not None and value not in choices:
            words = ", ".join(choice for choice in choices if isinstance(choice, str))
            raise InvalidSetting(f"{name} must be one of {words}; not {value!r}")
        self._given[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._given.get(_name(name))
        except InvalidSetting as error:
            raise AttributeError(str(error)) from None

    def __getitem__(self, name: str) -> Any:
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def keys(self) -> list[str]:
        """Return the names of the settings that were given."""
        return list(self._given)

    def get(self, name: str, default: Any = None) -> Any:
        """Return one setting, or `default` when it was not given."""
        value = self._given.get(_name(name))
        return default if value is None else value

    def __or__(self, other: "Settings") -> "Settings":
        return Settings(**{**self._given, **other._given})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and self._given == other._given

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self._given.items() if "key" not in name)
        return f"Settings({said})"

    def __copy__(self) -> "Settings":
        return Settings(**self._given)

    def __reduce__(self) -> "tuple[Callable[[dict[str, Any]], Settings], tuple[dict[str, Any]]]":
        return _made_of, (self._given,)


def _made_of(given: dict[str, Any]) -> Settings:
    return Settings(**given)


def read_given(settings: object) -> Settings:
    """The settings given as None, a `Settings` or a mapping; TypeError for others."""
    if settings is None:
        return Settings()
    if isinstance(settings, Settings):
        return settings
    if isinstance(settings, Mapping):
        return Settings(**settings)
    raise TypeError(f"settings must be a Settings or a dict, not {type(settings).__name__}")


def _name(name: str) -> str:
    """W&B's older names of its own machinery began with `_`."""
    if name.startswith("_"):
        return f"x_{name.removeprefix('_')}" if f"x_{name.removeprefix('_')}" in MEANT else name
    if name in MEANT or name in ACCEPTED or name.startswith("x_"):
        return name
    raise InvalidSetting(
        f"There is no setting {shown(name)}", hint="see help(localart.Settings) for those that mean something"
    )
