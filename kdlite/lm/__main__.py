"""``python -m kdlite.lm``: the command line under the name it had before 0.2."""

import sys

from kdlite.cli import main

if __name__ == "__main__":
    print("note: this command is now called kdlite, or python -m kdlite", file=sys.stderr)
    sys.exit(main())
