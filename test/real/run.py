#!/usr/bin/env python3
"""Runs the tests against real servers, one after another; TAP. They need root, for Postfix."""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TESTS = ["test_mailserver.py", "test_badserver.py", "test_submission.py", "test_faults.py", "test_start.py", "test_resend.py"]
bad = False
for test in sys.argv[1:] or TESTS:
    run = subprocess.run([sys.executable, str(HERE / test)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    print(f"# {test}\n{run.stdout}", flush=True)
    if run.returncode and "not ok" not in run.stdout:
        print(f"not ok - {test} ended with {run.returncode}", flush=True)
    bad |= run.returncode != 0
sys.exit(bad)
