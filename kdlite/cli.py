"""The command line: one function a command, ``kdlite COMMAND …`` or ``python -m kdlite COMMAND …``.

Knows words and exit statuses; knows nothing of what a command does. Nothing heavy is imported before it is known which.
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from kdlite.checks import one_line

if TYPE_CHECKING:
    from kdlite.lm.model import LanguageModel

_FIRST = """\
what to type first:
  kdlite run smoke --out DIR            a whole run in seconds: truth, teacher, students, scores in DIR/results.json
  kdlite status DIR                     how far a run has come; killed, it goes on when it is started again
  kdlite plan paper --device h100       what a long run will take, and whether it fits, before it starts
  kdlite score --student A --truth B    precision and recall of two models, each a folder or a Hub id
  kdlite audit --student A --truth B --direct C --out report.html
                                        what distilling A bought, and what cooling C would have bought for nothing

kdlite COMMAND --help says what a command takes."""
_ALONE = (
    "note: accelerate launch has started one process only; where there are no GPUs, it starts as many as "
    "--num_processes says if --multi_gpu is added"
)
Words = argparse.Namespace
CarryOut = Callable[[Words], object]  # what a command has to say at its end


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see {self.prog} --help\n")


def main() -> int:
    """Carry out one command; 2 for input that cannot be used, with a line that says why."""
    parser = _Parser(
        prog="kdlite",
        description="Distil generative models, and measure what it bought.",
        epilog=_FIRST,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    carry_out = None
    try:
        for name, command in COMMANDS.items():
            verb = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
            if sys.argv[1:2] == [name]:
                carry_out = command(verb)
        said = carry_out(parser.parse_args())
        if os.environ.get("RANK", "0") == "0":  # of several processes one speaks
            print(said)
    except (ValueError, OSError, ImportError, FloatingPointError, MemoryError) as error:
        lacks = isinstance(error, ModuleNotFoundError)
        remedy = "; pip install 'kdlite[lm]' brings what language models need" if lacks else ""
        print(f"error: {one_line(error)}{remedy}", file=sys.stderr)
        return 2
    return 0


def _run(parser: argparse.ArgumentParser) -> CarryOut:
    """carry out a profile in a folder, or what of it is left"""
    from kdlite.runs.profile import BUILT_IN, Profile

    parser.add_argument("profile", help=f"{', '.join(BUILT_IN)}, or a TOML file")
    parser.add_argument("--out", required=True, help="folder of the run")
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="a Ray cluster, HOST:PORT or auto, that draws and scores"
    )

    def carry_out(words: Words) -> object:
        from kdlite.runs.pipeline import run

        if _is_left_alone():
            print(_ALONE, file=sys.stderr)
        profile = Profile.load(words.profile)
        if words.ray is None:
            return run(profile, words.out)
        from kdlite.runs.cluster import on_ray

        with on_ray(words.ray) as work_through:
            return run(profile, words.out, work_through)

    return carry_out


def _plan(parser: argparse.ArgumentParser) -> CarryOut:
    """say what a run will take, and whether it fits, before it starts"""
    from kdlite.runs.devices import DEVICES
    from kdlite.runs.profile import BUILT_IN, Profile

    parser.add_argument("profile", help=f"{', '.join(BUILT_IN)}, or a TOML file")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--device", default="cpu", help=f"{', '.join(DEVICES)} (cpu: this machine's)")
    where.add_argument("--measured", metavar="FILE", help="what make gpu measured: its device, its rates")
    parser.add_argument("-n", type=int, default=1, help="how many of these devices (1)")
    parser.add_argument("--out", default=".", help="folder of the run, for the room on its disk (.)")

    def carry_out(words: Words) -> object:
        from kdlite.runs.devices import measured
        from kdlite.runs.plan import plan

        device = measured(words.measured) if words.measured else words.device
        return plan(Profile.load(words.profile), device, words.out, words.n)

    return carry_out


def _status(parser: argparse.ArgumentParser) -> CarryOut:
    """say how far the run in a folder has come"""
    parser.add_argument("folder", help="folder of the run")

    def carry_out(words: Words) -> object:
        from kdlite.runs.status import status

        return status(words.folder)

    return carry_out


def _score(parser: argparse.ArgumentParser) -> CarryOut:
    """precision and recall of a student, on texts drawn for the purpose"""
    parser.add_argument(
        "--student", required=True, help="a folder, a Hub id such as org/name, or a SmolLM2 model"
    )
    parser.add_argument("--truth", required=True, help="the same")
    parser.add_argument("--n", type=int, default=512, help="texts to draw from each (512)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    parser.add_argument("--prompt", help='what every text continues (as saved, else "The")')
    parser.add_argument("--length", type=int, help="longest text, in tokens (as saved, else 64)")
    parser.add_argument("--json", action="store_true", help="JSON, not a table")

    def carry_out(words: Words) -> object:
        import json

        from kdlite.runs.score import score

        student, truth = (
            _load(name, prompt=words.prompt, length=words.length) for name in (words.student, words.truth)
        )
        found = score(student, truth, words.n, words.seed)
        return json.dumps(found.to_dict(), indent=2, allow_nan=False) if words.json else found

    return carry_out


def _audit(parser: argparse.ArgumentParser) -> CarryOut:
    """what distilling a student bought, and what cooling would have bought for nothing: a page, and JSON"""
    parser.add_argument(
        "--student", required=True, help="a folder, a Hub id such as org/name, or a SmolLM2 model"
    )
    parser.add_argument("--truth", required=True, help="who judges: the same, with the same tokenizer")
    parser.add_argument("--direct", help="a student of the same size that learned from the truth's own texts")
    parser.add_argument("--teacher", help="whom the student learned from")
    given = parser.add_mutually_exclusive_group()
    given.add_argument("--prompt", help='what every text continues (as saved with the truth, else "The")')
    given.add_argument("--prompts", help='a file of them, one a line: a string, or a chat, {"messages": […]}')
    parser.add_argument(
        "--length", type=int, help="longest text, in tokens (as saved with the truth, else 64)"
    )
    parser.add_argument("--n", type=int, default=512, help="texts of each model and temperature (512)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (0)")
    parser.add_argument("--out", required=True, help="the page; beside it .json, and .texts to go on from")

    def carry_out(words: Words) -> object:
        from pathlib import Path

        from kdlite.runs import report
        from kdlite.runs.audit import ROLES, Auditing
        from kdlite.runs.verdict import verdict
        from kdlite.texts.given import read_prompts

        prompt = read_prompts(words.prompts) if words.prompts else words.prompt
        models = {"truth": _load(words.truth, prompt=prompt, length=words.length)}
        same = {
            "prompt": models["truth"].prompt,
            "length": models["truth"].length,
        }  # as the truth's tokenizer has it
        models |= {role: _load(name, **same) for role in ROLES if (name := getattr(words, role))}
        out = Path(words.out)
        auditing = Auditing(models, out.with_suffix(".texts"), words.n, words.seed)
        print(auditing.forecast(), file=sys.stderr)
        found = auditing.carry_out()
        table = report.save(found, out)
        kept = f"Texts and scores stay in {auditing.folder}; delete it when nothing is left to ask."
        return "\n".join([*verdict(found), "", f"The page is {out}, its numbers are {table}. {kept}"])

    return carry_out


COMMANDS = {"run": _run, "plan": _plan, "status": _status, "score": _score, "audit": _audit}


def _load(name: str, **options) -> "LanguageModel":
    """A model; a ValueError for files that cannot be read."""
    from kdlite.lm.weights import load

    try:
        return load(name, **options)
    except RuntimeError as error:
        raise ValueError(one_line(error)) from error


def _is_left_alone() -> bool:
    """Whether accelerate launch was told to start several processes, and this is the only one."""
    by_accelerate = "ACCELERATE_MIXED_PRECISION" in os.environ
    return by_accelerate and "MASTER_PORT" in os.environ and "RANK" not in os.environ
