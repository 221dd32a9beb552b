#!/usr/bin/env python3
"""Runs the tests against real servers, one after another; TAP. They need root, for Postfix. On the way every answer of the API is
held against doc/openapi.yaml."""
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TESTS = ["test_mailserver.py", "test_badserver.py", "test_submission.py", "test_faults.py", "test_start.py", "test_cli.py",
         "test_contract.py", "test_resend.py"]


def interpreter():
    """This Python, or the system's if this one lacks Debian's modules."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import jsonschema, yaml"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    sys.exit("test/real/run.py needs python3-yaml and python3-jsonschema (tools/install-packages test)")


bad, python = False, interpreter()
for test in sys.argv[1:] or TESTS:
    run = subprocess.run([python, str(HERE / test)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                         check=False, env={**os.environ, "ABSENDER_CHECK_ANSWERS": "1"})
    print(f"# {test}\n{run.stdout}", flush=True)
    if run.returncode and "not ok" not in run.stdout:
        print(f"not ok - {test} ended with {run.returncode}", flush=True)
    bad |= run.returncode != 0
sys.exit(bad)
