"""The first minutes on a GPU: is it right, and how fast is it? python -m benchmarks.gpu, or make gpu

Each step prints what it found, and has its place in OUT/results.json before the next one ends: the most important come
first, one that is there already is not run again, and one that fails, or takes too long, is recorded with its error and
ends its process; the next ones have another. The exit status is 1 if any failed. Nothing is downloaded. On a processor, at SCALE tiny, the same steps are
rehearsed: DEVICE=cpu SCALE=tiny.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
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


def carried_out(names: list[str], device: str, out: Path) -> Iterator[tuple[str, dict]]:
    """What one process finds, step after step; it ends with the first that finds nothing, and why."""
    for name in names:
        (out / f"{name}.json").unlink(missing_ok=True)
    hidden = {} if device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}
    words = [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:], "--step", *names]
    with (
        open(out / "errors.txt", "w+", encoding="utf-8") as errors,
        subprocess.Popen(words, cwd=ROOT, env=os.environ | hidden, stderr=errors) as process,
    ):
        for name in names:
            path, start = out / f"{name}.json", time.perf_counter()
            limit = STEPS[name].seconds * (1 if device == "cuda" else PATIENCE)
            while process.poll() is None and not path.exists() and time.perf_counter() - start < limit:
                time.sleep(0.05)
            found = {"ok": path.exists(), "error": None, "seconds": round(time.perf_counter() - start, 1)}
            if not found["ok"]:
                late = f"still at work after its {limit:.0f} s" if process.poll() is None else None
                process.kill()
                process.wait()
                errors.seek(0)
                found["error"] = late or "\n".join(errors.read().strip().splitlines()[-12:]) or "no word"
            yield name, found | {"figures": read_json(path) if found["ok"] else {}}
            if not found["ok"]:
                return


def work(asked: argparse.Namespace) -> None:
    """The steps themselves."""
    import torch

    from benchmarks.device import reset_peak

    for name in asked.step:
        module, function = STEPS[name].where.split(":")
        figures = getattr(import_module(f"benchmarks.gpu.{module}"), function)(asked, *STEPS[name].shape)
        write_json(asked.out / f"{name}.json", figures)
        gc.collect()
        if asked.device == "cuda":
            torch.cuda.empty_cache()
        reset_peak()


def main() -> int:
    """Run the steps that are not there yet, or in this process those that are named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--scale", choices=SCALES, default="full")
    parser.add_argument("--out", type=Path, default=ROOT / "_runs" / "gpu")
    parser.add_argument(
        "--weights", type=Path, help="a folder of SmolLM2-135M-Instruct; random ones without it"
    )
    parser.add_argument("--step", choices=STEPS, nargs="+", help="these alone, in this process")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.step:
        work(asked)
        return 0
    path, here = asked.out / "results.json", setting(asked.device, asked.scale)
    found = read_json(path) if path.exists() else {}
    if found.get("setting") != here:
        found = {"setting": here, "steps": {}}
    todo = [name for name in STEPS if not found["steps"].get(name, {}).get("ok")]
    while todo:
        for name, step in carried_out(list(todo), asked.device, asked.out):
            todo.remove(name)
            found["steps"][name] = step
            write_json(path, found)
            print(json.dumps({name: step}), flush=True)
    failed = [name for name, step in found["steps"].items() if not step["ok"]]
    print(f"wrote {path}" + (f"; failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
