"""Ten checkpoints of a real fine-tune: a small language model, trained on Python's own sources, then tuned gently.

    python finetune.py FOLDER

Writes FOLDER/{bf16,fp32,optimizer}/vNN/…: weights as safetensors in bfloat16 and float32, and Adam's state as
torch.save writes it, every 50 optimizer steps (Adam, learning rate 1e-5). About two minutes on two cores.
"""

import json
import struct
import sys
import sysconfig
from pathlib import Path

CHECKPOINTS, STEPS_BETWEEN, PRETRAINING_STEPS = 10, 50, 200
_CONTEXT, _BATCH, _WIDTH, _LAYERS, _HEADS = 64, 16, 256, 6, 4


def main(folder: Path) -> None:
    """Train, tune, and write the checkpoints."""
    import torch

    partial = folder.with_name(f"partial-{folder.name}")
    torch.manual_seed(0)
    torch.set_num_threads(2)
    text = torch.tensor(bytearray(_corpus()), dtype=torch.long)
    model = _model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    _train(model, optimizer, text, PRETRAINING_STEPS)
    for group in optimizer.param_groups:
        group["lr"] = 1e-5
    for number in range(CHECKPOINTS):
        loss = _train(model, optimizer, text, STEPS_BETWEEN)
        weights = dict(model.state_dict())
        for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
            place = partial / name / f"v{number:02}"
            place.mkdir(parents=True, exist_ok=True)
            _save_safetensors(
                {key: value.to(dtype) for key, value in weights.items()}, place / "model.safetensors"
            )
        place = partial / "optimizer" / f"v{number:02}"
        place.mkdir(parents=True, exist_ok=True)
        torch.save(optimizer.state_dict(), place / "optimizer.pt")
        print(f"checkpoint {number}: loss {loss:.3f}", file=sys.stderr, flush=True)
    partial.rename(folder)


def _corpus() -> bytes:
    library = Path(sysconfig.get_paths()["stdlib"])
    return b"\n".join(path.read_bytes() for path in sorted(library.glob("*.py")))[: 4 << 20]


def _model():
    import torch
    from torch import nn

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(256, _WIDTH)
            self.place = nn.Parameter(torch.randn(_CONTEXT, _WIDTH) * 0.02)
            layer = nn.TransformerEncoderLayer(_WIDTH, _HEADS, 4 * _WIDTH, dropout=0.0, batch_first=True)
            self.body = nn.TransformerEncoder(layer, _LAYERS)
            self.head = nn.Linear(_WIDTH, 256)

        def forward(self, tokens):
            mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1])
            return self.head(self.body(self.embed(tokens) + self.place, mask=mask, is_causal=True))

    return Model()


def _train(model, optimizer, text, steps: int) -> float:
    import torch

    for _ in range(steps):
        starts = torch.randint(0, len(text) - _CONTEXT - 1, (_BATCH,))
        batch = torch.stack([text[start : start + _CONTEXT + 1] for start in starts])
        logits = model(batch[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, 256), batch[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss.detach())


_NAMES = {"torch.float32": "F32", "torch.bfloat16": "BF16"}


def _save_safetensors(tensors, path: Path) -> None:
    """8 bytes header length, the JSON header padded to 8, then the tensors' bytes."""
    import torch

    header, at, bodies = {}, 0, []
    for name, tensor in tensors.items():
        body = tensor.contiguous().view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": _NAMES[str(tensor.dtype)],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + len(body)],
        }
        at += len(body)
        bodies.append(body)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(bodies))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
