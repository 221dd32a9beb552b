"""What the benchmark works with: its two programs, the machine, and readings of processes."""
import contextlib
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "test"), str(ROOT / "test/real")]
from certificates import Certificates  # noqa: E402

BUILD = ROOT / "build/release"
USER, PASSWORD = "noreply@example.test", "correct horse"
STALL_SECONDS = 60  # without a further mail; then a drain counts as stuck

# Of about 2 KiB as a whole mail, header fields and quoted-printable included.
TEXT = "Guten Tag, Ihre Buchung ist bestätigt und wir freuen uns auf Ihren Besuch.\n" * 21


def build():
    """The two programs of bench/, from the release build's directory."""
    done = subprocess.run(["ninja", "-C", str(BUILD), "bench/sink", "bench/minimal"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\nbench: build the release first (tools/build release)")


# --- The sink ------------------------------------------------------------------------------------------------------------------------


class Sink:
    """with Sink(certificates, "--pipelining", "--latency", "20") as sink: …"""

    def __init__(self, certificates, *options):
        certificate, key = certificates.pair("good")
        self.ca_file = certificates.ca_file
        self.process = subprocess.Popen([str(BUILD / "bench/sink"), "--certificate", str(certificate), "--key", str(key), *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sink did not start with {options}")
        ports = json.loads(line)
        self.implicit_port, self.starttls_port = ports["implicit"], ports["starttls"]
        self.control = socket.create_connection(("127.0.0.1", ports["control"]), timeout=30)
        self.answers = self.control.makefile("r", encoding="ascii")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answers.close()
        self.control.close()
        self.process.terminate()
        self.process.communicate(timeout=20)

    def _ask(self, line):
        self.control.sendall(f"{line}\n".encode())
        return json.loads(self.answers.readline())

    def report(self):
        return self._ask("report")

    def begin(self, expected):
        """Forgets what came and expects the ids 1 to `expected`."""
        self._ask("reset")
        self._ask(f"expect {expected}")

    def wait(self, count, stall=STALL_SECONDS):
        """The report once `count` different mails came, or when none has come for a while."""
        seen, since = -1, time.monotonic()
        while True:
            report = self.report()
            if report["distinct"] >= count:
                return self.report()
            if report["accepted"] != seen:
                seen, since = report["accepted"], time.monotonic()
            elif time.monotonic() - since > stall:
                return report
            time.sleep(0.05)


def rate(report):
    """Mails a second, by the sink's clock."""
    if report["accepted"] < 2:
        return 0.0
    return (report["accepted"] - 1) / max(report["last"] - report["first"], 1e-6)


# --- The minimal client ---------------------------------------------------------------------------------------------------------------


def minimal(sink, count, *options):
    """Runs it to its end and returns its own report with the sink's beside it; the rate is the sink's, as everybody's."""
    sink.begin(count)
    done = subprocess.run([str(BUILD / "bench/minimal"), "--port", str(sink.implicit_port), "--ca-file", str(sink.ca_file), "--user", USER,
                           "--password", PASSWORD, "--mails", str(count), *map(str, options)], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise RuntimeError(f"minimal {options}: {done.stderr}")
    report = sink.report()
    return {**json.loads(done.stdout), "per_second": rate(report), "sink": report}


# --- Processes and the machine --------------------------------------------------------------------------------------------------------


def cpu_seconds(pid, with_children=False):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15 if with_children else 13])) / os.sysconf("SC_CLK_TCK")


def pss_mib(pid):
    return int(re.search(r"^Pss:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"), re.M).group(1)) / 1024


def disk_syncs(folder, seconds=2.0):
    """Synced 4 KiB appends a second, one after another: no single durable acceptance can be faster."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        count, begun = 0, time.monotonic()
        while time.monotonic() - begun < seconds:
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.monotonic() - begun)


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*:\s*(.*)$", info, re.M)
    memory = re.search(r"^MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="ascii"), re.M)
    release = re.search(r'^PRETTY_NAME="(.*)"$', pathlib.Path("/etc/os-release").read_text(encoding="utf-8"), re.M)
    return {"cpu": model.group(1) if model else platform.machine(), "cores": os.cpu_count(), "memory_gib": round(int(memory.group(1)) / 2**20),
            "system": release.group(1) if release else platform.system(), "kernel": platform.release(),
            "load_before": os.getloadavg()[0], "when": time.strftime("%Y-%m-%d %H:%M")}


@contextlib.contextmanager
def certificates():
    with tempfile.TemporaryDirectory(prefix="absender-bench-tls-") as folder:
        pathlib.Path(folder).chmod(0o755)
        yield Certificates(pathlib.Path(folder) / "tls")


def median(values):
    return statistics.median(values) if values else None


def is_installed(program):
    return shutil.which(program) is not None
