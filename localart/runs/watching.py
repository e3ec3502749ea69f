"""`watch`: histograms of a PyTorch model's gradients and parameters, by hooks.

`watch(model)` logs, every `log_freq` batches, `gradients/<parameter>` after a backward pass and
`parameters/<parameter>` after a forward pass, as histograms with 64 bins of the finite values. They come with the next
`log` that ends a step. `log_graph=True` logs what the model is made of, a record of type `graph`.
Torch is only imported by those who watch.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

from localart.errors import UsageError
from localart.reporter import Reporter

_BINS = 64
_LOGS = ("gradients", "parameters", "all", None)


class _Handle(Protocol):
    def remove(self) -> None: ...


class Watcher:
    """The hooks of one run. `log(values)` adds to the current step without ending it."""

    def __init__(self, log: Callable[[Mapping[str, Any]], None], reporter: Reporter) -> None:
        self._log = log
        self._reporter = reporter
        self._handles: dict[int, list[_Handle]] = {}
        self._watched = 0

    def watch(self, models: Any, *, log: str | None, log_freq: int, idx: int | None, log_graph: bool) -> None:
        """Hook into one model or several; TypeError for what is no torch module, ValueError for other `log`s."""
        if log not in _LOGS:
            raise ValueError(f"log must be one of 'gradients', 'parameters', 'all', or None; not {log!r}")
        several = tuple(models) if isinstance(models, tuple | list) else (models,)
        torch = _torch()
        for model in several:
            if not isinstance(model, torch.nn.Module):
                raise TypeError(f"watch() takes PyTorch models (torch.nn.Module), not {type(model).__name__}")
        first = self._watched if idx is None else idx
        for number, model in enumerate(several, start=first):
            self._watch_one(model, f"graph_{number}" if number > 0 else "", log, max(1, log_freq))
            if log_graph:
                self._log({f"graph_{number}": _layers(model)})
        self._watched += len(several)

    def _watch_one(self, model: Any, prefix: str, log: str | None, log_freq: int) -> None:
        handles = self._handles.setdefault(id(model), [])
        if log in {"parameters", "all"}:
            handles.append(model.register_forward_hook(self._parameter_hook(prefix, log_freq)))
        if log in {"gradients", "all"}:
            for name, parameter in model.named_parameters():
                if parameter.requires_grad:
                    hook = self._gradient_hook(f"gradients/{prefix}{name}", log_freq)
                    handles.append(parameter.register_hook(hook))

    def _parameter_hook(self, prefix: str, log_freq: int) -> Callable[..., None]:
        is_due = _every(log_freq)

        def after_forward(model: Any, _inputs: object, _outputs: object) -> None:
            if is_due():
                for name, parameter in model.named_parameters():
                    self._log_tensor(f"parameters/{prefix}{name}", parameter)

        return after_forward

    def _gradient_hook(self, name: str, log_freq: int) -> Callable[[Any], None]:
        is_due = _every(log_freq)

        def after_backward(gradient: Any) -> None:
            if is_due():
                self._log_tensor(name, gradient)

        return after_backward

    def _log_tensor(self, name: str, tensor: Any) -> None:
        histogram = _histogram(tensor)
        if histogram is not None:
            from localart.media.histogram import Histogram

            self._log({name: Histogram(np_histogram=histogram)})

    def unwatch(self, models: Any = None) -> None:
        """Take the hooks of these models away again, or all."""
        several = (
            tuple(models) if isinstance(models, tuple | list) else (models,) if models is not None else None
        )
        keys = list(self._handles) if several is None else [id(model) for model in several]
        for key in keys:
            if key not in self._handles:
                self._reporter.warn("unwatch() was called for a model that is not watched")
            for handle in self._handles.pop(key, []):
                handle.remove()


def _torch() -> Any:
    try:
        return import_module("torch")
    except ImportError as error:
        raise UsageError(
            "watch() works with PyTorch, which is not installed", hint="pip install torch"
        ) from error


def _every(count: int) -> Callable[[], bool]:
    """True every `count`-th time."""
    calls = 0

    def is_due() -> bool:
        nonlocal calls
        calls = (calls + 1) % count
        return calls == 0

    return is_due


def _histogram(tensor: Any) -> tuple[list[float], list[float]] | None:
    """Counts and bin edges of the finite values; None when there are none."""
    torch = _torch()
    flat = tensor.detach()
    flat = (flat.to_dense() if flat.is_sparse else flat).reshape(-1).float()
    flat = flat[torch.isfinite(flat)].cpu()
    if not flat.numel():
        return None
    low, high = float(flat.min()), float(flat.max())
    if low == high:
        return [float(flat.numel())], [low, high]
    counts = torch.histc(flat, bins=_BINS, min=low, max=high)
    return counts.tolist(), torch.linspace(low, high, steps=_BINS + 1).tolist()


def _layers(model: Any) -> dict[str, Any]:
    """What the model is made of: each layer's name, class and shapes."""
    nodes = [
        {
            "name": name,
            "class_name": type(layer).__name__,
            "parameters": [[key, list(one.shape)] for key, one in layer.named_parameters(recurse=False)],
        }
        for name, layer in model.named_modules()
        if not any(layer.children())
    ]
    return {"_type": "graph", "format": "torch", "nodes": nodes}
