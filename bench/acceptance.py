"""What stands since the first bench: start, memory, durable acceptance over HTTP, end to end into the sandbox in the same process."""
import re
import subprocess
import tempfile
import time

import lab
from harness.daemon import Daemon


class Load:
    """wrk posting for some seconds; size: emails in one request."""

    def __init__(self, seconds):
        self.seconds = seconds

    def run(self, absender, clients, size=1):
        """(emails taken per second, emails taken)"""
        email = f'{{"to":"anna@example.test","subject":"Buchung","text":"{lab.TEXT}"}}'.replace("\n", "\\n")
        path, body = ("/v1/emails", email) if size == 1 else ("/v1/emails/batch", f"[{','.join([email] * size)}]")
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(f'wrk.method = "POST"\nwrk.body = [===[{body}]===]\nwrk.headers["Content-Type"] = "application/json"\n'
                         f'wrk.headers["Authorization"] = "Bearer {absender.token}"\n')
            script.flush()
            said = subprocess.run(["wrk", "-t1", f"-c{clients}", f"-d{self.seconds}s", "-s", script.name, f"http://127.0.0.1:{absender.port}{path}"],
                                  capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in said:
            raise RuntimeError(f"the load was refused:\n{said}")
        requests, taking = int(re.search(r"(\d+) requests in", said).group(1)), float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
        return taking * size, requests * size


def start_seconds(program):
    with_page = []
    for _ in range(5):
        begun = time.monotonic()
        with Daemon("--dev", program=program) as absender:
            assert absender.request("GET", "/").status == 200
            with_page.append(time.monotonic() - begun)
    return lab.median(with_page)


def signed_in(absender):
    absender.sign_in_first_admin()
    absender.make_token()
    absender.use_sandbox()
    return absender


def _wait_for_captured(absender, total, wait=300):
    until = time.monotonic() + wait
    while absender.sandbox()["captured"] < total:
        if time.monotonic() > until:
            raise RuntimeError(f"{absender.sandbox()['captured']} of {total} arrived in the sandbox")
        time.sleep(0.02)


def measure(program, seconds):
    """(name, unit, value) for each figure."""
    load = Load(seconds)
    yield "start to the page answering", "ms", start_seconds(program) * 1000
    with Daemon("--dev", "--sandbox-sink", program=program) as absender:
        time.sleep(2)
        yield "memory when idle (PSS)", "MiB", lab.pss_mib(absender.process.pid)
        signed_in(absender)
        absender.switch(False)
        yield "the disk: synced 4 KiB writes, one after another", "/s", lab.disk_syncs(absender.data)
        if lab.is_installed("wrk"):
            yield "durable acceptance, 1 client, sending paused", "mails/s", load.run(absender, 1)[0]
            yield "durable acceptance, 64 clients, sending paused", "mails/s", load.run(absender, 64)[0]
            if absender.request("POST", "/v1/emails/batch", []).status != 404:
                yield "durable acceptance, 4 clients, batches of 64, sending paused", "mails/s", load.run(absender, 4, 64)[0]
    if not lab.is_installed("wrk"):
        yield "durable acceptance and end to end: wrk is not installed", "", None
        return
    with Daemon("--dev", "--sandbox-sink", program=program) as absender:
        signed_in(absender)
        cpu, begun = lab.cpu_seconds(absender.process.pid), time.monotonic()
        _, total = load.run(absender, 64)
        _wait_for_captured(absender, total)
        took, used = time.monotonic() - begun, lab.cpu_seconds(absender.process.pid) - cpu
        yield "end to end, 64 clients into the sandbox in the same process", "mails/s", total / took
        yield "CPU for 1,000 mails end to end, sandbox included", "s", used / total * 1000
        yield "memory after it (PSS)", "MiB", lab.pss_mib(absender.process.pid)
