"""Checkpoints of a training, in safetensors: weights, an optimiser's moments, and how far it has come.

Knows modules and optimisers; knows nothing of losses or texts.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from kdlite.files import replacing
from kdlite.lm.curve import Progress


def write_weights(path: Path, module: nn.Module) -> None:
    """The parameters of a module, in a file of their own."""
    with replacing(path) as temporary:
        save_file({name: p.detach().contiguous() for name, p in module.named_parameters()}, temporary)


def write(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """All that it takes to go on from here."""
    state = {f"model.{k}": v for k, v in module.named_parameters()}
    for i, (_, values) in enumerate(sorted(optimizer.state_dict()["state"].items())):
        state |= {f"optimizer.{i}.{k}": v for k, v in values.items()}
    with replacing(path) as temporary:
        save_file(
            {k: v.contiguous() for k, v in state.items()}, temporary, {"progress": json.dumps(progress)}
        )


def read(path: Path, module: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """How far a checkpoint had come, with module and optimiser as they were; the start where there is none.

    Raises:
        ValueError: if the file is not a whole checkpoint, naming it.
    """
    if not path.exists():
        return Progress(0, [], [])
    try:
        with safe_open(path, "pt", device="cpu") as file, torch.no_grad():
            progress = Progress(*json.loads((file.metadata() or {})["progress"]))
            state: dict[int, dict[str, Tensor]] = {}
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                if name.startswith("optimizer."):
                    _, i, key = name.split(".")
                    state.setdefault(int(i), {})[key] = file.get_tensor(name)
            for name, parameter in module.named_parameters():
                parameter.copy_(file.get_tensor(f"model.{name}"))
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"{path} is not a whole checkpoint: {error}; delete it to train from the start"
        ) from None
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return progress._replace(validation=[tuple(pair) for pair in progress.validation])
