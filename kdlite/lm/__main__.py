"""The command line: ``python -m kdlite.lm run PROFILE --out DIR``, ``status DIR``."""

import argparse
import os
import sys

from kdlite.lm.pipeline import run
from kdlite.lm.profile import Profile
from kdlite.lm.status import status

_ALONE = (
    "note: accelerate launch has started one process only; where there are no GPUs, it starts as many as "
    "--num_processes says if --multi_gpu is added"
)


def main() -> int:
    """Carry out one command; 2 for input that cannot be used, with a line that says why."""
    parser = argparse.ArgumentParser(
        prog="python -m kdlite.lm", description="Distil language models, and measure."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    verb = commands.add_parser("run", help="carry out a profile in a folder, or what of it is left")
    verb.add_argument("profile", help="toy, or a TOML file")
    verb.add_argument("--out", required=True, help="folder of the run")
    verb = commands.add_parser("status", help="say how far the run in a folder has come")
    verb.add_argument("folder", help="folder of the run")
    arguments = parser.parse_args()
    try:
        said = carry_out(arguments)
        if os.environ.get("RANK", "0") == "0":  # of several processes one speaks
            print(said)
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def carry_out(arguments: argparse.Namespace) -> object:
    """What a command has to say at its end."""
    match arguments.command:
        case "run":
            if {
                "ACCELERATE_MIXED_PRECISION",
                "MASTER_PORT",
            } <= os.environ.keys() and "RANK" not in os.environ:
                print(_ALONE, file=sys.stderr)
            return run(Profile.load(arguments.profile), arguments.out)
        case "status":
            return status(arguments.folder)


if __name__ == "__main__":
    sys.exit(main())
