"""Test results as TAP: ok(…) for each statement, done() at the end."""
import sys

_results = []


def ok(statement, is_true, detail=""):
    _results.append(bool(is_true))
    print(f"{'ok' if is_true else 'not ok'} {len(_results)} - {statement}", flush=True)
    if not is_true and detail != "":
        for line in str(detail).splitlines():
            print(f"# {line}")


def equal(statement, found, expected):
    ok(statement, found == expected, f"found {found!r}, expected {expected!r}")


def skip_all(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def done():
    """Prints the plan and ends the program."""
    print(f"1..{len(_results)}")
    sys.exit(0 if all(_results) else 1)
