"""The first minutes on a GPU: is it right, and how fast is it? python -m benchmarks.gpu, or make gpu

Each step runs in a process of its own, prints what it found, and has its place in OUT/results.json before the next one
starts: the most important come first, one that fails is recorded with its error, and one that is there already is not
run again. The exit status is 1 if any failed. Nothing is downloaded. On a processor, at SCALE tiny, the same steps are
rehearsed: DEVICE=cpu SCALE=tiny.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks.gpu.steps import SCALES, STEPS
from kdlite.provenance import commit, processor, versions
from kdlite.store import read_json, write_json

ROOT = Path(__file__).parents[2]
PATIENCE = 5  # on a processor every process starts anew beside other work: a rehearsal may take longer
PACKAGES = ("numpy", "torch", "transformers", "accelerate", "triton")


def setting(device: str, scale: str) -> dict:
    """What figures depend on: another one is another record."""
    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else processor()
    return {"device": name, "scale": scale, "commit": commit(), "versions": versions(*PACKAGES)}


def carried_out(name: str, seconds: float, device: str, out: Path) -> dict:
    """What a step's own process has found, or why it found nothing."""
    path, start = out / f"{name}.json", time.perf_counter()
    path.unlink(missing_ok=True)
    hidden = {} if device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}
    seconds *= 1 if device == "cuda" else PATIENCE
    words = [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:], "--step", name]
    try:
        done = subprocess.run(
            words, cwd=ROOT, env=os.environ | hidden, timeout=seconds, stderr=subprocess.PIPE, text=True
        )
        error = None if done.returncode == 0 else "\n".join(done.stderr.strip().splitlines()[-12:])
    except subprocess.TimeoutExpired:
        error = f"still at work after its {seconds:.0f} s"
    figures = read_json(path) if path.exists() else {}
    took = round(time.perf_counter() - start, 1)
    return {"ok": error is None, "error": error, "seconds": took, "figures": figures}


def main() -> int:
    """Run the steps that are not there yet, or the one that is named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--scale", choices=SCALES, default="full")
    parser.add_argument("--out", type=Path, default=ROOT / "_runs" / "gpu")
    parser.add_argument(
        "--weights", type=Path, help="a folder of SmolLM2-135M-Instruct; random ones without it"
    )
    parser.add_argument("--step", choices=STEPS, help="this one alone, in this process")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.step:
        module, function = STEPS[asked.step].where.split(":")
        figures = getattr(import_module(f"benchmarks.gpu.{module}"), function)(
            asked, *STEPS[asked.step].shape
        )
        write_json(asked.out / f"{asked.step}.json", figures)
        return 0
    path, here = asked.out / "results.json", setting(asked.device, asked.scale)
    found = read_json(path) if path.exists() else {}
    if found.get("setting") != here:
        found = {"setting": here, "steps": {}}
    for name, step in STEPS.items():
        if not found["steps"].get(name, {}).get("ok"):
            print(f"== {name}", flush=True)
            found["steps"][name] = carried_out(name, step.seconds, asked.device, asked.out)
            write_json(path, found)
        print(json.dumps({name: found["steps"][name]}), flush=True)
    failed = [name for name, step in found["steps"].items() if not step["ok"]]
    print(f"wrote {path}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
