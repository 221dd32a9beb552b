#!/usr/bin/env python3
"""Runs the tests against real servers, three at a time; TAP. They need root, for Postfix. On the way every answer of the API is
held against doc/openapi.yaml."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TESTS = ["test_canary.py", "test_delivery.py", "test_oauth.py", "test_members.py", "test_people.py", "test_webhooks.py", "test_applications.py",
         "test_foreign.py", "test_faults.py", "test_oddservers.py", "test_space.py", "test_start.py", "test_status.py", "test_badserver.py",
         "test_mailserver.py", "test_authserver.py", "test_submission.py", "test_dns.py", "test_domain.py", "test_discovery.py", "test_providers.py",
         "test_verification.py", "test_backup.py", "test_keys.py", "test_cli.py", "test_queue.py", "test_audit.py", "test_contract.py", "test_resend.py",
         "test_ports.py"]
AT_ONCE = 3  # much of it is waiting; the long ones come first


def interpreter():
    """This Python, or the system's if this one lacks Debian's modules."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import jsonschema, yaml"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    sys.exit("test/real/run.py needs python3-yaml and python3-jsonschema (tools/install-packages test)")


def run(test):
    """What came of it, and how many seconds it took."""
    begun = time.monotonic()
    done = subprocess.run([python, str(HERE / test)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False, env={**os.environ, "ABSENDER_CHECK_ANSWERS": "1"})
    return done, time.monotonic() - begun


bad, python, tests = False, interpreter(), sys.argv[1:] or TESTS
with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
    for test, (done, seconds) in zip(tests, pool.map(run, tests)):
        print(f"# {test}: {seconds:.0f} s\n{done.stdout}", flush=True)
        if done.returncode and "not ok" not in done.stdout:
            print(f"not ok - {test} ended with {done.returncode}", flush=True)
        bad |= done.returncode != 0
sys.exit(bad)
