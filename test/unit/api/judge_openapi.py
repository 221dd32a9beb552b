"""Judges recorded answers by doc/openapi.json: one JSON object a line on standard input with
`method`, `path`, `status`, `type` and `body` (the parsed JSON, or null). Every answer must be
described, and be what is described. Prints what is not and fails."""
import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from harness.openapi import Contract  # noqa: E402

Answer = collections.namedtuple("Answer", "status headers body")


def main():
    contract = Contract(pathlib.Path(sys.argv[1]))
    told = [json.loads(line) for line in sys.stdin]
    faults = []
    for each in told:
        answer = Answer(each["status"], {"Content-Type": each["type"]}, json.dumps(each["body"]))
        faults += contract.faults(each["method"], each["path"], answer)
    print("\n".join(faults) or f"{len(told)} answers judged", file=sys.stderr)
    sys.exit(1 if faults or not told else 0)


main()
