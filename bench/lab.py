"""What the benchmark works with: its two programs, the machine, and readings of processes."""
import contextlib
import json
import math
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import sqlite3
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
PROGRAM_SECONDS = 600
STALL_SECONDS = 60  # without a further mail; then a drain counts as stuck

# Of about 2 KiB as a whole mail, header fields and quoted-printable included.
TEXT = "Guten Tag, Ihre Buchung ist bestätigt und wir freuen uns auf Ihren Besuch.\n" * 21


def build(*targets):
    """The programs of bench/, or other targets, from the release build's directory."""
    wanted = targets or ("bench/sink", "bench/minimal", "bench/load")
    done = subprocess.run(["ninja", "-C", str(BUILD), *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\nbench: build the release first (tools/build release)")


def run_program(name, *options):
    """One of the programs to its end; what it says."""
    done = subprocess.run([str(BUILD / "bench" / name), *map(str, options)], capture_output=True, text=True, timeout=PROGRAM_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr}")
    return json.loads(done.stdout)


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

    def ask(self, line):
        self.control.sendall(f"{line}\n".encode())
        answer = json.loads(self.answers.readline())
        if "error" in answer:
            raise RuntimeError(f"the sink, asked for {line!r}: {answer['error']}")
        return answer

    def report(self):
        return self.ask("report")

    def begin(self, expected):
        """Forgets what came and expects the ids 1 to `expected`."""
        self.ask("reset")
        self.ask(f"expect {expected}")

    def lap(self, most=0):
        """Rate, first and last are those of the next `most` mails, or of all that come; everything else goes on."""
        self.ask(f"lap {most}")

    def times(self, count):
        """When the mails with the ids 1 to `count` came, in seconds of time.monotonic(); None: it did not."""
        return self.ask(f"times 1 {count}")["times"]

    @contextlib.contextmanager
    def frozen(self):
        """Its sockets stand, nobody answers."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

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
    if report["lap"] < 2:
        return 0.0
    return (report["lap"] - 1) / max(report["last"] - report["first"], 1e-6)


def rate_since(begun, report):
    """Mails a second from a load's first octet to the sink's last mail."""
    return report["distinct"] / (report["last"] - begun) if report["distinct"] else 0.0


# --- The minimal client ---------------------------------------------------------------------------------------------------------------


def minimal(sink, count, *options):
    """Runs it to its end and returns its own report with the sink's beside it; the rate is the sink's, as everybody's."""
    sink.begin(count)
    said = run_program("minimal", "--port", sink.implicit_port, "--ca-file", sink.ca_file, "--user", USER, "--password", PASSWORD,
                       "--mails", count, *options)
    report = sink.report()
    return {**said, "per_second": rate(report), "sink": report}


def smtp_load(port, count, clients, size):
    """Gives a server of this machine so many mails over SMTP, as fast as so many clients with pipelining can."""
    said = run_program("minimal", "--plain", "--mode", "data", "--port", port, "--mails", count, "--connections", clients, "--size", size)
    if said["mails"] != count:
        raise RuntimeError(f"{said['mails']} of {count} mails were taken")
    return said


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


class Commits:
    """The time of a commit on this disk: one row of 2 KiB into SQLite, its WAL synced. The database's WAL is written over, as that of a
    service that has been running for a while."""

    def __init__(self, folder):
        self.folder = tempfile.TemporaryDirectory(dir=folder, prefix="commits-")
        self.db = sqlite3.connect(f"{self.folder.name}/db", isolation_level=None)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE mails (id INTEGER PRIMARY KEY, body BLOB)"):
            self.db.execute(line)
        self.milliseconds(300)
        self.db.execute("PRAGMA wal_checkpoint(RESTART)")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.db.close()
        self.folder.cleanup()

    def milliseconds(self, count):
        """Of each of so many commits, one after another."""
        found = []
        for _ in range(count):
            begun = time.monotonic()
            self.db.execute("INSERT INTO mails (body) VALUES (zeroblob(2048))")
            found.append((time.monotonic() - begun) * 1000)
        return found


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


def percentile(values, part):
    """The smallest value that `part` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def is_installed(program):
    return shutil.which(program) is not None
