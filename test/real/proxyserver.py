"""A real mail server for tests: Dovecot's submission service in front of the Postfix of mailserver.py, on loopback, in a temporary
folder. What it offers to tests stands in realserver.py.

USER may log in with PLAIN and LOGIN. The Debian package of the service is unpacked into build/dovecot-submission; dovecot-core must be
installed. Needs root (Dovecot changes users) and openssl.
"""
import os
import shutil

from mailserver import MailServer
from package import unpacked
from process import Process, ensure_user, is_listening, make_folder, wait_until, write
from realserver import HOST, PASSWORD, USER, RealServer

CONFIGURATION = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/dovecot.log
protocols = submission
hostname = {host}
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:{base}/home
mail_max_userip_connections = 1000
default_process_limit = 200
passdb {{
  driver = passwd-file
  args = username_format=%u {base}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/home
}}
service submission-login {{
  executable = {base}/submission-login
  inet_listener submission {{
    address = 127.0.0.1
    port = {starttls_port}
  }}
  inet_listener submissions {{
    address = 127.0.0.1
    port = {implicit_port}
    ssl = yes
  }}
}}
service submission {{
  executable = {base}/submission
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
submission_relay_host = 127.0.0.1
submission_relay_port = {relay_port}
submission_relay_trusted = no
submission_max_mail_size = 40M
submission_max_recipients = 1000
{capabilities}
"""


class ProxyServer(RealServer):
    needs = ("dovecot",)
    recipient_header = MailServer.recipient_header
    trace_headers = MailServer.trace_headers
    log_files = ("dovecot.log", "dovecot/dovecot.log")

    def restart(self):
        """Dovecot is killed and started again; Postfix behind it goes on."""
        self._dovecot.stop()
        self._run()

    def queued(self):
        return self.postfix.queued()

    def log(self):
        return super().log() + self.postfix.log()

    def _start(self, stack):
        folder = unpacked("dovecot-submission")
        self.postfix = stack.enter_context(MailServer(is_relay=True))
        self.maildir = self.postfix.maildir
        self.proxy = self.base / "dovecot"
        for path in (self.proxy, self.proxy / "run", self.proxy / "state"):
            path.mkdir()
        owner = ensure_user("postfix", "postdrop")
        make_folder(self.proxy / "home", owner)
        for name in ("submission", "submission-login"):  # where every user can pass through
            shutil.copy(folder / "usr/lib/dovecot" / name, self.proxy / name)
        write(self.proxy / "users", f"{USER}:{{PLAIN}}{PASSWORD}\n")
        certificate, key = self.certificates.pair(self.certificate)
        write(self.proxy / "dovecot.conf", CONFIGURATION.format(
            base=self.proxy, host=HOST, certificate=certificate, key=key, uid=owner.pw_uid, gid=owner.pw_gid,
            starttls_port=self.starttls_port, implicit_port=self.implicit_port, relay_port=self.postfix.relay_port,
            capabilities=""))
        stack.callback(lambda: self._dovecot.stop())
        self._run()

    def _run(self):
        self._dovecot = Process("dovecot", ["dovecot", "-F", "-c", str(self.proxy / "dovecot.conf")], dict(os.environ),
                                self.base / "dovecot.log")
        for port in (self.starttls_port, self.implicit_port):
            wait_until(self._dovecot, lambda port=port: is_listening(port))
