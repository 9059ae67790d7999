"""The command line: ``python -m kdlite.lm run PROFILE --out DIR``."""

import argparse
import sys

from accelerate import PartialState

from kdlite.lm.pipeline import run
from kdlite.lm.profile import Profile


def main() -> int:
    """Carry out one command; 2 for input that cannot be used, with a line that says why."""
    parser = argparse.ArgumentParser(
        prog="python -m kdlite.lm", description="Distil language models, and measure."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    verb = commands.add_parser("run", help="carry out a profile in a folder, or what of it is left")
    verb.add_argument("profile", help="toy, or a TOML file")
    verb.add_argument("--out", required=True, help="folder of the run")
    arguments = parser.parse_args()
    try:
        results = run(Profile.load(arguments.profile), arguments.out)
        if PartialState().is_main_process:
            print(results)
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
