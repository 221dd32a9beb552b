#!/usr/bin/env python3
"""The harness's own promise: a port it gave to one test is nobody else's while that test lives, though its daemon may be down."""
import collections
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS)]
from harness.daemon import Tap  # noqa: E402

ASKING = "from harness.ports import free_ports; print(*free_ports(150), flush=True); input()"


def main():
    tap = Tap()
    asking = [subprocess.Popen([sys.executable, "-c", ASKING], cwd=TESTS, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
              for _ in range(12)]
    given = collections.Counter(port for each in asking for port in each.stdout.readline().split())
    tap.equal((len(given), max(given.values())), (12 * 150, 1), "twelve tests at once: 1,800 ports, none given twice")
    for each in asking:
        each.communicate("\n")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
