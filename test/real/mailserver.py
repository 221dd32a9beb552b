"""A real mail server for tests: Postfix 3.7 with login by Dovecot, on loopback, in a temporary folder.

    with MailServer() as server:
        server.starttls_port, server.implicit_port   # submission with STARTTLS, and TLS from byte one
        server.ca_file                               # what the client under test must trust
        server.mails()                               # everything delivered so far
        server.wait_for_mails(2)                     # the same, once there are so many

The host names are mail.example.test and localhost, both at 127.0.0.1. USER may log in with PASSWORD
(PLAIN, LOGIN, SCRAM-SHA-256) after TLS only, and send as USER only: another sender is refused with 553.
Mail to any address is taken and put into one Maildir, except to REFUSED_RECIPIENT (550).

Nothing is installed: only one mail server can be installed on a machine, and it may have another. The
Debian package is downloaded once and unpacked into build/postfix. Needs root (Postfix changes users),
dovecot-core and openssl. To try by hand: python3 test/real/mailserver.py --print
"""
import argparse
import contextlib
import ctypes
import email
import email.message
import email.policy
import fcntl
import grp
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from certificates import Certificates, KINDS

USER = "noreply@example.test"
PASSWORD = "correct horse"
REFUSED_RECIPIENT = "nobody@example.test"
HOST = "mail.example.test"

CACHE = pathlib.Path(__file__).resolve().parents[2] / "build" / "postfix"
START_SECONDS = 20
STOP_SECONDS = 5

# Shared libraries of Postfix that a small Debian 12 may lack, and the packages they are in.
LIBRARY_PACKAGES = {
    "libsasl2.so.2": "libsasl2-2",
    "libdb-5.3.so": "libdb5.3",
    "libnsl.so.2": "libnsl2",
    "libtirpc.so.3": "libtirpc3",
    "libicuuc.so.72": "libicu72",
    "libicudata.so.72": "libicu72",
}

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
daemon_directory = {postfix}/usr/lib/postfix/sbin
command_directory = {postfix}/usr/sbin
shlib_directory = {postfix}/usr/lib/postfix
meta_directory = {postfix}/etc/postfix
import_environment = MAIL_CONFIG LANG=C {{ LD_LIBRARY_PATH = {libraries} }}
mail_owner = postfix
setgid_group = postdrop
maillog_file = {base}/mail.log
maillog_file_prefixes = {base}

myhostname = {host}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
smtpd_peername_lookup = no
append_dot_mydomain = no
biff = no
message_size_limit = 41943040

# Every domain is ours and every mailbox is the same one.
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:mails/
virtual_mailbox_base = {base}
virtual_mailbox_limit = 0
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1

smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {base}/dovecot/auth
smtpd_sasl_security_options = noanonymous

# Refusals answer the command they are about, so that a sender probe sees them at MAIL FROM.
smtpd_delay_reject = no
smtpd_sender_login_maps = texthash:{base}/senders
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_recipient_restrictions = check_recipient_access texthash:{base}/refused, permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject

# Tests fail logins on purpose and open many connections from one address.
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000
smtpd_client_event_limit_exceptions = 127.0.0.0/8
"""

MASTER_CF = """
127.0.0.1:{starttls_port} inet n - n - - smtpd
127.0.0.1:{implicit_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup    unix n - n 60   1 pickup
cleanup   unix n - n -    0 cleanup
qmgr      unix n - n 300  1 qmgr
tlsmgr    unix - - n 1000 1 tlsmgr
rewrite   unix - - n -    - trivial-rewrite
bounce    unix - - n -    0 bounce
defer     unix - - n -    0 bounce
trace     unix - - n -    0 bounce
verify    unix - - n -    1 verify
flush     unix n - n 1000 0 flush
proxymap  unix - - n -    - proxymap
proxywrite unix - - n -   1 proxymap
showq     unix n - n -    - showq
error     unix - - n -    - error
retry     unix - - n -    - error
virtual   unix - n n -    - virtual
anvil     unix - - n -    1 anvil
scache    unix - - n -    1 scache
postlog   unix-dgram n - n - 1 postlogd
"""

QUEUE_FOLDERS = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
                 "saved", "trace")

DOVECOT_CONF = """
base_dir = {base}/dovecot/run
state_dir = {base}/dovecot/state
log_path = {base}/dovecot.log
protocols =
ssl = no
auth_mechanisms = plain login scram-sha-256
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = username_format=%u {base}/dovecot/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home=/nonexistent
}}
service auth {{
  unix_listener {base}/dovecot/auth {{
    mode = 0666
  }}
}}
# Without the penalty's socket a wrong password does not slow the next login from 127.0.0.1 down.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


def unavailable():
    """Why the server cannot run here, or None."""
    if os.geteuid() != 0:
        return "Postfix needs root"
    for program in ("dovecot", "openssl", "apt-get", "dpkg"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return None


def run(*arguments, **options):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}")
    return done.stdout


# --- Postfix from its package ------------------------------------------------------------------------


def download_and_unpack(package, target):
    with tempfile.TemporaryDirectory() as folder:
        try:
            run("apt-get", "download", package, cwd=folder)
        except RuntimeError:  # a fresh machine has no package lists yet
            run("apt-get", "update")
            run("apt-get", "download", package, cwd=folder)
        for archive in pathlib.Path(folder).glob("*.deb"):
            run("dpkg", "-x", archive, target)


def library_path(postfix):
    """Where the loader finds Postfix's own libraries, and those that the machine lacks."""
    folders = [postfix / "usr/lib/postfix", *sorted(postfix.glob("usr/lib/*-linux-gnu*"))]
    return ":".join(map(str, folders))


def missing_packages(postfix):
    listing = run("ldd", postfix / "usr/lib/postfix/sbin/smtpd",
                  env={**os.environ, "LD_LIBRARY_PATH": library_path(postfix)})
    names = re.findall(r"^\s*(\S+) => not found", listing, re.MULTILINE)
    return sorted({LIBRARY_PACKAGES[name] for name in names})


def unpacked_postfix():
    """The folder with Postfix in it; downloaded at the first call on this machine."""
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{CACHE}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (CACHE / "usr").is_dir():
            unfinished = CACHE.with_name("postfix.unfinished")
            for folder in (unfinished, CACHE):
                shutil.rmtree(folder, ignore_errors=True)
            download_and_unpack("postfix", unfinished)
            unfinished.rename(CACHE)
        for package in missing_packages(CACHE):
            download_and_unpack(package, CACHE)
    return CACHE


def ensure_users():
    """What the package's installation would have made."""
    for group in ("postfix", "postdrop"):
        with contextlib.suppress(KeyError):
            grp.getgrnam(group)
            continue
        run("groupadd", "--system", group)
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        run("useradd", "--system", "--gid", "postfix", "--home-dir", "/nonexistent", "--no-create-home",
            "--shell", "/usr/sbin/nologin", "postfix")


# --- Processes ---------------------------------------------------------------------------------------


PR_SET_CHILD_SUBREAPER = 36

# Ends the process group $1 when the test's end of the pipe closes without a word: the test was killed.
GUARD = 'read -r word || kill -TERM "-$1"'


class Daemon:
    """A server in the foreground of a session of its own, with all the processes it starts."""

    def __init__(self, name, arguments, environment, log):
        self.name = name
        self.log = log
        # Postfix's master leaves its children, and in a container nobody else would reap them.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        with open(log, "ab") as output:
            self.process = subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True)
        self.guard = subprocess.Popen(["sh", "-c", GUARD, "sh", str(self.process.pid)], stdin=subprocess.PIPE,
                                      start_new_session=True)

    def _members(self):
        """(process id, process group) of all in its session, the ended but not reaped included."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # "pid (name) state ppid pgrp session …"; the name may hold anything
                fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:
                    found.append((int(stat.parent.name), int(fields[2])))
        return found

    def _reap(self):
        self.process.poll()
        for pid, _ in self._members():
            if pid != self.process.pid:
                with contextlib.suppress(ChildProcessError):  # still its master's
                    os.waitpid(pid, os.WNOHANG)

    def check_alive(self):
        if self.process.poll() is not None:
            text = pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{text}")

    def stop(self):
        self.guard.communicate(b"stopped\n")
        for sent in (signal.SIGTERM, signal.SIGKILL):
            for group in {group for _, group in self._members()}:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, sent)
            end = time.monotonic() + STOP_SECONDS
            while self._members() and time.monotonic() < end:
                self._reap()
                time.sleep(0.02)
        self.process.wait()


def free_ports(count):
    """Ports that nobody listens on. All are held until all are known, so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def write(path, text):
    """A file as if from a while ago: Postfix reads younger ones again until they are two seconds old."""
    path.write_text(text, encoding="utf-8")
    before = time.time() - 10
    os.utime(path, (before, before))


# --- The server --------------------------------------------------------------------------------------


class Mail(NamedTuple):
    data: bytes  # as delivered: Postfix's trace headers in front, lines end in LF
    message: email.message.EmailMessage
    recipient: str  # of the envelope


class MailServer:
    """certificate: one of certificates.KINDS."""

    user, password, host = USER, PASSWORD, HOST

    def __init__(self, certificate="good"):
        reason = unavailable()
        if reason is not None:
            raise RuntimeError(reason)
        self.certificate = certificate
        self.base = None
        self.ca_file = None
        self.starttls_port = self.implicit_port = None
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.base = pathlib.Path(stack.enter_context(
                tempfile.TemporaryDirectory(prefix="absender-mailserver-", ignore_cleanup_errors=True)))
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def log(self):
        """What Postfix and Dovecot have logged, for a failing test to show."""
        files = (self.base / name for name in ("mail.log", "master.log", "dovecot.log"))
        return "".join(f.read_text(encoding="utf-8", errors="replace") for f in files if f.exists())

    def mails(self):
        """Everything delivered so far, oldest first."""
        files = [f for f in (self.base / "mails" / "new").glob("*") if f.is_file()]
        found = []
        for file in sorted(files, key=lambda f: (f.stat().st_mtime_ns, f.name)):
            data = file.read_bytes()
            message = email.message_from_bytes(data, policy=email.policy.default)
            found.append(Mail(data, message, str(message["X-Original-To"])))
        return found

    def wait_for_mails(self, count, seconds=15):
        """mails(), once there are at least `count`. TimeoutError if they do not come."""
        end = time.monotonic() + seconds
        while len(self.mails()) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.mails())} of {count} mails after {seconds} s:\n{self.log()}")
            time.sleep(0.05)
        return self.mails()

    def change_password(self, password):
        """From now on only this one logs in. Dovecot looks at the file once a second."""
        is_change = self.users_file.exists()
        write(self.users_file, f"{USER}:{{PLAIN}}{password}\n")
        if is_change:
            time.sleep(1.2)

    def describe(self):
        return {"host": HOST, "starttls_port": self.starttls_port, "implicit_port": self.implicit_port,
                "ca_file": str(self.ca_file), "user": USER, "password": PASSWORD,
                "maildir": str(self.base / "mails" / "new")}

    def _start(self, stack):
        postfix = unpacked_postfix()
        ensure_users()
        self.base.chmod(0o755)  # Postfix and Dovecot change users and must pass through
        certificates = Certificates(self.base / "tls")
        self.ca_file = certificates.ca_file
        self.starttls_port, self.implicit_port = free_ports(2)
        self._start_dovecot(stack)
        self._start_postfix(stack, postfix, certificates)

    def _settings(self):
        owner = pwd.getpwnam("postfix")
        return {"base": self.base, "uid": owner.pw_uid, "gid": owner.pw_gid, "host": HOST}

    def _start_dovecot(self, stack):
        folder = self.base / "dovecot"
        for name in ("run", "state"):
            (folder / name).mkdir(parents=True)
        self.users_file = folder / "users"
        self.change_password(PASSWORD)
        write(folder / "dovecot.conf", DOVECOT_CONF.format(**self._settings()))
        daemon = Daemon("dovecot", ["dovecot", "-F", "-c", str(folder / "dovecot.conf")], dict(os.environ),
                        self.base / "dovecot.log")
        stack.callback(daemon.stop)
        wait_until(daemon, (folder / "auth").exists)

    def _start_postfix(self, stack, postfix, certificates):
        certificate, key = certificates.pair(self.certificate)
        config = self.base / "postfix"
        config.mkdir()
        write(config / "main.cf", MAIN_CF.format(**self._settings(), postfix=postfix, certificate=certificate,
                                                 key=key, libraries=library_path(postfix)))
        write(config / "master.cf", MASTER_CF.format(starttls_port=self.starttls_port,
                                                     implicit_port=self.implicit_port))
        write(self.base / "senders", f"{USER} {USER}\n")
        write(self.base / "refused", f"{REFUSED_RECIPIENT} 550 5.1.1 No such mailbox\n")
        self._make_queue()
        environment = {**os.environ, "MAIL_CONFIG": str(config), "LD_LIBRARY_PATH": library_path(postfix)}
        master = postfix / "usr/lib/postfix/sbin/master"
        daemon = Daemon("postfix", [str(master), "-d", "-c", str(config)], environment, self.base / "master.log")
        stack.callback(daemon.stop)
        for port in (self.starttls_port, self.implicit_port):
            wait_until(daemon, lambda port=port: is_listening(port))

    def _make_queue(self):
        owner = pwd.getpwnam("postfix")
        postdrop = grp.getgrnam("postdrop").gr_gid
        queue = self.base / "queue"
        queue.mkdir()
        (queue / "pid").mkdir()
        for folder in [self.base / "data", self.base / "mails", *(queue / name for name in QUEUE_FOLDERS)]:
            folder.mkdir(mode=0o700)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            (queue / name).mkdir()
            os.chown(queue / name, owner.pw_uid, postdrop)
            (queue / name).chmod(mode)


def is_listening(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def wait_until(daemon, condition):
    end = time.monotonic() + START_SECONDS
    while not condition():
        daemon.check_alive()
        if time.monotonic() > end:
            raise TimeoutError(f"{daemon.name} is not ready after {START_SECONDS} s")
        time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser(description="Runs the test mail server until its standard input ends.")
    parser.add_argument("--print", action="store_true", help="print each mail as it arrives")
    parser.add_argument("--certificate", choices=KINDS, default="good")
    parser.add_argument("--prepare", action="store_true", help="only download and unpack Postfix")
    options = parser.parse_args()
    if options.prepare:
        unpacked_postfix()
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with MailServer(options.certificate) as server, contextlib.suppress(KeyboardInterrupt):
        print(json.dumps(server.describe()), flush=True)
        printed = 0
        os.set_blocking(sys.stdin.fileno(), False)
        while sys.stdin.buffer.read(4096) != b"":
            time.sleep(0.2)
            for mail in server.mails()[printed:] if options.print else ():
                print(mail.data.decode("utf-8", "replace"), flush=True)
                printed += 1


if __name__ == "__main__":
    main()
