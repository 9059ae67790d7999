"""``python -m kdlite``: the command line, where no script called kdlite is installed."""

import sys

from kdlite.cli import main

if __name__ == "__main__":
    sys.exit(main())
