"""The command line: ``python -m kdlite.lm run PROFILE --out DIR``, ``plan PROFILE``, ``status DIR``,
``score --student A --truth B``.
"""

import argparse
import json
import os
import sys
from typing import NoReturn

from kdlite.lm.model import LanguageModel
from kdlite.lm.packaged import one_line
from kdlite.lm.weights import load
from kdlite.runs.compare import compare
from kdlite.runs.pipeline import run
from kdlite.runs.plan import DEVICES, plan
from kdlite.runs.profile import BUILT_IN, Profile
from kdlite.runs.status import status

_ALONE = (
    "note: accelerate launch has started one process only; where there are no GPUs, it starts as many as "
    "--num_processes says if --multi_gpu is added"
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def main() -> int:
    """Carry out one command; 2 for input that cannot be used, with a line that says why."""
    parser = _Parser(prog="python -m kdlite.lm", description="Distil language models, and measure.")
    commands = parser.add_subparsers(dest="command", required=True)
    verb = commands.add_parser("run", help="carry out a profile in a folder, or what of it is left")
    verb.add_argument("profile", help=f"{', '.join(BUILT_IN)}, or a TOML file")
    verb.add_argument("--out", required=True, help="folder of the run")
    verb = commands.add_parser("plan", help="say what a run will take, and whether it fits, before it starts")
    verb.add_argument("profile", help="as for run")
    verb.add_argument("--device", default="cpu", help=f"{', '.join(DEVICES)} (cpu: this machine's)")
    verb.add_argument("--out", default=".", help="folder of the run, for the room on its disk (.)")
    verb = commands.add_parser("status", help="say how far the run in a folder has come")
    verb.add_argument("folder", help="folder of the run")
    verb = commands.add_parser(
        "score", help="precision and recall of a student, on texts drawn for the purpose"
    )
    verb.add_argument("--student", required=True, help="a SmolLM2 model, or a folder")
    verb.add_argument("--truth", required=True, help="the same")
    verb.add_argument("--n", type=int, default=512, help="texts to draw from each (512)")
    verb.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    verb.add_argument("--prompt", help='what every text continues (as saved, else "The")')
    verb.add_argument("--length", type=int, help="longest text, in tokens (as saved, else 64)")
    verb.add_argument("--json", action="store_true", help="JSON, not a table")
    arguments = parser.parse_args()
    try:
        said = carry_out(arguments)
        if os.environ.get("RANK", "0") == "0":  # of several processes one speaks
            print(said)
    except (ValueError, OSError, ImportError, FloatingPointError, MemoryError) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2
    return 0


def carry_out(arguments: argparse.Namespace) -> object:
    """What a command has to say at its end."""
    match arguments.command:
        case "run":
            if _is_left_alone():
                print(_ALONE, file=sys.stderr)
            return run(Profile.load(arguments.profile), arguments.out)
        case "plan":
            return plan(Profile.load(arguments.profile), arguments.device, arguments.out)
        case "status":
            return status(arguments.folder)
        case "score":
            student, truth = (_load(name, arguments) for name in (arguments.student, arguments.truth))
            found = compare(student, truth, arguments.n, arguments.seed)
            return json.dumps(found.to_dict(), indent=2, allow_nan=False) if arguments.json else found


def _is_left_alone() -> bool:
    """Whether accelerate launch was told to start several processes, and this is the only one."""
    by_accelerate = "ACCELERATE_MIXED_PRECISION" in os.environ
    return by_accelerate and "MASTER_PORT" in os.environ and "RANK" not in os.environ


def _load(name: str, arguments: argparse.Namespace) -> LanguageModel:
    try:
        return load(name, prompt=arguments.prompt, length=arguments.length)
    except RuntimeError as error:  # files that cannot be read
        raise ValueError(one_line(error)) from error


if __name__ == "__main__":
    sys.exit(main())
