"""A real recursive DNS server (Unbound, from its Debian package) on a free loopback port, which believes that our records are the
whole of the DNS: every other name is NXDOMAIN, CNAMEs are followed, and nobody outside is asked.

    with DnsServer("mx.example.test. A 127.0.0.1\n"
                   "example.test. MX 10 mx.example.test.\n"
                   'example.test. TXT "v=spf1 " "-all"', broken=["servfail.test"], silent=["timeout.test"]) as dns:
        … "--dns-server", dns.address …
        dns.replace(records)     # from now on these are the DNS
"""
import pathlib
import shutil
import socket
import struct
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import package  # noqa: E402
from process import Process, free_ports, wait_until  # noqa: E402

RELOAD_SECONDS = 20
CLASS_IN, TYPE_A, TYPE_TXT = 1, 1, 16

ROOT_ZONE = """. 0 IN SOA ns.invalid. hostmaster.invalid. {serial} 60 60 60 0
. 0 IN NS ns.invalid.
serial.invalid. 0 IN TXT "{serial}"
$TTL 0
{records}
"""

CONFIG = """server:
  interface: 127.0.0.1@{port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  use-systemd: no
  verbosity: 1
  num-threads: 1
  module-config: "iterator"
  do-ip6: no
  do-not-query-localhost: no
  local-zone: "test." nodefault
  local-zone: "invalid." nodefault
  local-zone: "localhost." nodefault
  minimal-responses: yes
  rrset-roundrobin: no
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
{silent}
remote-control:
  control-enable: no
auth-zone:
  name: "."
  zonefile: "{folder}/root.zone"
  for-downstream: no
  for-upstream: yes
  fallback-enabled: no
{broken}"""

SILENT = '  local-zone: "{name}." always_deny\n'
# Its server never hands the zone over.
BROKEN = """auth-zone:
  name: "{name}."
  primary: 127.0.0.1@1
  for-downstream: no
  for-upstream: yes
  fallback-enabled: no
"""


def ask(port, name, kind, timeout=1):
    """The answer's bytes, or None."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"
    packet = struct.pack(">HHHHHH", 1, 0x0100, 1, 0, 0, 0) + question + struct.pack(">HH", kind, CLASS_IN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        try:
            s.connect(("127.0.0.1", port))
            s.send(packet)
            return s.recv(4096)
        except OSError:
            return None


class DnsServer:
    def __init__(self, records, broken=(), silent=(), port=None):
        """records: lines of a zone file with full names ("example.test. MX 10 mx.example.test."); broken: under these names every
        question is SERVFAIL; silent: under these nothing is answered."""
        folder = package.unpacked("unbound")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="absender-dns-"))
        self.port = port or free_ports(1)[0]
        self.address = f"127.0.0.1:{self.port}"
        self.serial = 0
        self._write(records)
        (self.folder / "unbound.conf").write_text(CONFIG.format(
            port=self.port, folder=self.folder, silent="".join(SILENT.format(name=name) for name in silent),
            broken="".join(BROKEN.format(name=name) for name in broken)), encoding="utf-8")
        self.process = Process("unbound", [str(folder / "usr/sbin/unbound"), "-d", "-c", str(self.folder / "unbound.conf")],
                               package.environment(folder), self.folder / "log")
        try:
            wait_until(self.process, self._has_serial)
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _write(self, records):
        self.serial += 1
        text = records if isinstance(records, str) else "\n".join(records)
        fresh = self.folder / "root.zone.new"
        fresh.write_text(ROOT_ZONE.format(serial=self.serial, records=text), encoding="utf-8")
        fresh.rename(self.folder / "root.zone")

    def _has_serial(self):
        answer = ask(self.port, "serial.invalid", TYPE_TXT)
        return answer is not None and answer.endswith(str(self.serial).encode())

    def replace(self, records):
        self._write(records)
        self.process.process.send_signal(1)  # SIGHUP
        until = time.monotonic() + RELOAD_SECONDS
        while not self._has_serial():
            self.process.check_alive()
            if time.monotonic() > until:
                raise TimeoutError("the DNS server does not take its new records")
            time.sleep(0.02)

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
