"""A real mail server for tests: Exim 4.96 on loopback, in a temporary folder. What it offers to tests stands in realserver.py.

USER may log in with PLAIN. Nothing is installed: the Debian packages are downloaded once and unpacked into build/exim. Needs root
(Exim changes users) and openssl.
"""
import re
import signal

from package import environment, unpacked
from process import STOP, Process, ensure_user, is_listening, make_folder, wait_until, write
from realserver import HOST, PASSWORD, REFUSED_RECIPIENT, USER, RealServer, files_below

# Exim closes a connection after smtp_accept_max_per_connection messages (1,000), as everywhere.
CONFIGURATION = """
exim_user = Debian-exim
exim_group = Debian-exim
deliver_drop_privilege
exim_path = {program}
spool_directory = {base}/spool
log_file_path = {base}/exim-%s.log
pid_file_path = {base}/exim.pid
log_selector = -queue_run -retry_defer -skip_delivery
keep_environment =

primary_hostname = {host}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {starttls_port} : {implicit_port}
tls_on_connect_ports = {implicit_port}
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
pipelining_advertise_hosts = {pipelining}
chunking_advertise_hosts = {chunking}
message_size_limit = 40M
rfc1413_query_timeout = 0s

# A mail is taken first and delivered by one of the queue runners, as on a busy server.
queue_only
split_spool_directory
queue_run_max = 4

acl_smtp_mail = check_mail
acl_smtp_rcpt = check_rcpt
acl_smtp_data = accept

begin acl
check_mail:
  deny    !authenticated = *
          message = 5.7.0 Authentication required
  accept
check_rcpt:
  deny    recipients = {refused}
          message = 5.1.1 No such mailbox
  accept

begin routers
all:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {maildir}
  maildir_format
  create_directory = false
  user = Debian-exim
  group = Debian-exim
  delivery_date_add
  envelope_to_add
  return_path_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{ {{eq{{$auth2}}{{{user}}}}} {{eq{{$auth3}}{{{password}}}}} }}}}
  server_set_id = $auth2
"""


class EximServer(RealServer):
    recipient_header = "envelope-to"
    trace_headers = frozenset({"return-path", "envelope-to", "delivery-date", "received"})
    log_files = ("exim.log", "exim-main.log", "exim-reject.log", "exim-panic.log")

    def restart(self):
        """Exim is killed and started again; what it has taken is in its spool. Not by SIGTERM: where that comes while a mail is being
        read, Exim 4.96 takes the mail, says 250, and before the next command deletes it (had_data_sigint is still set)."""
        self._stop(signal.SIGKILL)
        self._run()

    def queued(self):
        """By the file that makes a mail one that is taken."""
        return [name for name in files_below(self.base / "spool" / "input") if name.endswith("-H")]

    def chunked(self):
        return len(re.findall(r" <= .* K ", self.log()))

    def _start(self, stack):
        self._folder = unpacked("exim")
        owner = ensure_user("Debian-exim")
        make_folder(self.base / "spool", owner)
        make_folder(self.maildir, owner)
        for name in ("cur", "new", "tmp"):
            make_folder(self.maildir / name, owner)
        for name in self.log_files:
            (self.base / name).touch(mode=0o666)
            (self.base / name).chmod(0o666)
        certificate, key = self.certificates.pair(self.certificate)
        key.chmod(0o644)  # read after the change of user
        (self.base / "tls").chmod(0o755)
        self._configuration = self.base / "exim.conf"
        write(self._configuration, CONFIGURATION.format(
            program=self._folder / "usr/sbin/exim4", base=self.base, host=HOST, starttls_port=self.starttls_port,
            implicit_port=self.implicit_port, certificate=certificate, key=key, refused=REFUSED_RECIPIENT, maildir=self.maildir,
            user=USER, password=PASSWORD.replace(" ", "\\x20"), pipelining="*" if self.has_pipelining else "",
            chunking="*" if self.has_chunking else ""))
        self._processes = []
        stack.callback(self._stop)
        self._run()

    def _stop(self, *signals):
        while self._processes:
            self._processes.pop().stop(signals or STOP)

    def _run(self):
        program = [str(self._folder / "usr/sbin/exim4"), "-C", str(self._configuration)]
        exim = Process("exim", [*program, "-bdf", "-q1s"], environment(self._folder), self.base / "exim.log")
        self._processes.append(exim)
        for port in (self.starttls_port, self.implicit_port):
            wait_until(exim, lambda port=port: is_listening(port))
