"""The peer Postfix as a null client: it takes mail on loopback, queues it, and relays all of it to the sink, tuned for that.

It is unpacked, not installed (test/real/package.py says why). The queue is filled by a first Postfix without queue manager; a
second one then finds it full. So no mail is sent before all are queued, and none takes the detour through the deferred queue.
"""
import concurrent.futures
import contextlib
import grp
import os
import pathlib
import smtplib
import subprocess
import tempfile
import time

import lab
from mailserver import QUEUE_FOLDERS
from package import download_and_unpack, environment, library_path, unpacked
from process import Process, ensure_user, free_ports, is_listening, make_folder, wait_until, write

FILLERS = 8
RECEIVED_BYTES = 225  # Postfix adds its trace header
MAIN_CF = """
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
daemon_directory = {postfix}/usr/lib/postfix/sbin
command_directory = {postfix}/usr/sbin
shlib_directory = {postfix}/usr/lib/postfix
meta_directory = {postfix}/etc/postfix
import_environment = MAIL_CONFIG LANG=C {{ LD_LIBRARY_PATH = {libraries} }} {{ SASL_PATH = {sasl} }}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {base}/mail.log
maillog_file_prefixes = {base}

# A null client: everything goes to the relay.
myhostname = bench.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
relayhost = [localhost]:{port}
smtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_event_limit_exceptions = 127.0.0.0/8
message_size_limit = 41943040

smtp_tls_wrappermode = yes
smtp_tls_security_level = secure
smtp_tls_secure_cert_match = localhost
smtp_tls_CAfile = {ca_file}
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = texthash:{base}/passwords
smtp_sasl_security_options = noanonymous
smtp_sasl_mechanism_filter = plain

# Tuned: as many connections as the others have, kept open over TLS, and no brake between the queues.
smtp_destination_concurrency_limit = {connections}
smtp_initial_destination_concurrency = {connections}
smtp_connection_cache_on_demand = yes
smtp_connection_cache_destinations = [localhost]:{port}
smtp_tls_connection_reuse = yes
smtp_connection_reuse_time_limit = 3600s
smtp_connection_cache_time_limit = 60s
default_process_limit = 200
in_flow_delay = 0
"""

MASTER_CF = """
127.0.0.1:{smtpd_port} inet n - n - - smtpd
cleanup   unix n - n -    0 cleanup
{qmgr}
tlsmgr    unix - - n 1000 1 tlsmgr
tlsproxy  unix - - n -    0 tlsproxy
rewrite   unix - - n -    - trivial-rewrite
bounce    unix - - n -    0 bounce
defer     unix - - n -    0 bounce
trace     unix - - n -    0 bounce
verify    unix - - n -    1 verify
flush     unix n - n 1000 0 flush
proxymap  unix - - n -    - proxymap
proxywrite unix - - n -   1 proxymap
smtp      unix - - n -    - smtp
relay     unix - - n -    - smtp
showq     unix n - n -    - showq
error     unix - - n -    - error
retry     unix - - n -    - error
anvil     unix - - n -    1 anvil
scache    unix - - n -    1 scache
postlog   unix-dgram n - n - 1 postlogd
"""
QMGR = "qmgr unix n - n 300 1 qmgr"


def missing():
    """Why it cannot run here, or None."""
    if os.geteuid() != 0:
        return "Postfix needs root"
    for program in ("apt-get", "dpkg"):
        if not lab.is_installed(program):
            return f"{program} is not installed"
    try:
        _sasl_folder(unpacked("postfix"))
        ensure_user("postfix", "postdrop")
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return f"Postfix could not be unpacked: {str(error).strip()[-200:]}"
    return None


def _sasl_folder(postfix):
    """Where the login mechanisms of Cyrus SASL are; unpacked beside Postfix where the machine lacks them."""
    for place in (pathlib.Path("/"), postfix):
        found = next(place.glob("usr/lib/*-linux-gnu*/sasl2/libplain.so"), None)
        if found:
            return found.parent
    download_and_unpack("libsasl2-modules", postfix)
    return next(postfix.glob("usr/lib/*-linux-gnu*/sasl2/libplain.so")).parent


def message(number, size):
    """As the minimal client writes it."""
    head = (f"From: Praxis <noreply@example.test>\r\nTo: anna@example.test\r\nSubject: Buchung\r\nMIME-Version: 1.0\r\n"
            f"X-Bench-Id: {number}\r\n\r\n")
    line = "Guten Tag, Ihre Buchung ist angekommen und wird von uns gerne bearbeitet, ok\r\n"
    return (head + line * ((size - len(head)) // len(line))).encode()


class Postfix:
    """with Postfix(sink, connections=4) as peer: peer.fill(3000); peer.drain(3000), or peer.through(3000, clients=64)"""

    def __init__(self, sink, connections=4):
        self.sink, self.connections = sink, connections
        self.postfix = unpacked("postfix")

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="absender-bench-postfix-", ignore_cleanup_errors=True)
        self.base = pathlib.Path(self.folder.name)
        self.base.chmod(0o755)
        self.config = self.base / "postfix"
        self.config.mkdir()
        self.smtpd_port = free_ports(1)[0]
        libraries = library_path(self.postfix)
        write(self.config / "main.cf", MAIN_CF.format(
            base=self.base, postfix=self.postfix, libraries=libraries, sasl=_sasl_folder(self.postfix), port=self.sink.implicit_port,
            ca_file=self.sink.ca_file, connections=self.connections))
        write(self.base / "passwords", f"[localhost]:{self.sink.implicit_port} {lab.USER}:{lab.PASSWORD}\n")
        self.environment = {**environment(self.postfix), "MAIL_CONFIG": str(self.config)}
        self._make_queue()
        return self

    def __exit__(self, *_):
        self.folder.cleanup()

    def _make_queue(self):
        owner, postdrop = ensure_user("postfix", "postdrop"), grp.getgrnam("postdrop").gr_gid
        queue = self.base / "queue"
        (queue / "pid").mkdir(parents=True)
        for folder in [self.base / "data", *(queue / name for name in QUEUE_FOLDERS)]:
            make_folder(folder, owner)
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            make_folder(queue / name, owner, mode)
            os.chown(queue / name, owner.pw_uid, postdrop)

    @contextlib.contextmanager
    def _running(self, qmgr):
        write(self.config / "master.cf", MASTER_CF.format(smtpd_port=self.smtpd_port, qmgr=qmgr))
        master = self.postfix / "usr/lib/postfix/sbin/master"
        daemon = Process("postfix", [str(master), "-d", "-c", str(self.config)], self.environment, self.base / "master.log")
        try:
            wait_until(daemon, lambda: is_listening(self.smtpd_port))
            yield daemon
        finally:
            daemon.stop()

    def fill(self, count, size=2048 - RECEIVED_BYTES):
        def post(numbers):
            with smtplib.SMTP("127.0.0.1", self.smtpd_port) as smtp:
                for number in numbers:
                    smtp.sendmail(lab.USER, ["anna@example.test"], message(number, size))

        with self._running(qmgr="") as _, concurrent.futures.ThreadPoolExecutor(FILLERS) as pool:
            for done in [pool.submit(post, range(1 + each, count + 1, FILLERS)) for each in range(FILLERS)]:
                done.result(600)

    def drain(self, count):
        self.sink.begin(count)
        with self._running(QMGR) as daemon:
            result = self._finish(daemon, count)
        return {**result, "per_second": lab.rate(result["sink"])}

    def through(self, count, clients, size=2048 - RECEIVED_BYTES):
        """Takes mails over SMTP and relays them at the same time. The rate is from the first command to the sink's last mail."""
        self.sink.begin(count)
        with self._running(QMGR) as daemon:
            before = self._cpu_seconds(daemon.process.pid)
            loaded = lab.smtp_load(self.smtpd_port, count, clients, size)
            result = self._finish(daemon, count, before)
        return {**result, "per_second": lab.rate_since(loaded["begun"], result["sink"])}

    def _finish(self, daemon, count, cpu_before=0.0):
        """Until all came; while it still runs."""
        report = self.sink.wait(count)
        self._wait_until_empty()
        used = self._cpu_seconds(daemon.process.pid) - cpu_before
        if report["missing"]:
            log = self.base / "mail.log"
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
            raise RuntimeError(f"Postfix: {report['missing']} of {count} did not arrive:\n" + "\n".join(lines[-20:]))
        return {"cpu_per_1000": used / count * 1000, "sink": report}

    def _wait_until_empty(self):
        """The last mail leaves the sink's sight before it leaves the queue."""
        end = time.monotonic() + 30
        folders = [self.base / "queue" / name for name in ("incoming", "active")]
        while time.monotonic() < end and any(next(folder.iterdir(), None) for folder in folders):
            time.sleep(0.1)

    @staticmethod
    def _cpu_seconds(session):
        """Of all its processes, the ended ones through their parent."""
        total = 0.0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                if int(fields[3]) == session:
                    total += lab.cpu_seconds(stat.parent.name, with_children=True)
        return total


def version():
    folder = unpacked("postfix")
    done = subprocess.run([str(folder / "usr/sbin/postconf"), "-d", "-h", "mail_version"], capture_output=True, text=True, check=False,
                          env={**environment(folder), "MAIL_CONFIG": str(folder / "etc/postfix")})
    return done.stdout.strip()
