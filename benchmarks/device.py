"""Where benchmarks with torch run, and what that device has held at most.

Knows the device; knows nothing of models.
"""

import re
from pathlib import Path

import torch

from kdlite.lm.weights import best_dtype

GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if GPU else "cpu")
DTYPE = best_dtype(DEVICE)
NAME = torch.cuda.get_device_name() if GPU else f"{torch.get_num_threads()} threads of the CPU"


def wait() -> None:
    """Until the device has done all that it was given."""
    if GPU:
        torch.cuda.synchronize()


def reset_peak() -> None:
    """Forget what was held at most, where that can be done."""
    if GPU:
        torch.cuda.reset_peak_memory_stats()


def peak() -> int:
    """The most bytes that this process has held at once: on a GPU its tensors, else all of it."""
    if GPU:
        return torch.cuda.max_memory_allocated()
    status = Path(
        "/proc/self/status"
    ).read_text()  # getrusage would count what the parent held when it forked
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
