"""A real mail server for tests: Postfix 3.7 with login by Dovecot, on loopback, in a temporary folder. What it offers to tests stands
in realserver.py.

USER may log in with PLAIN, LOGIN and SCRAM-SHA-256, and send as USER only: another sender is refused with 553. With oauth=AuthServer
it may log in with that server's access tokens only, by XOAUTH2 and OAUTHBEARER: Dovecot asks there what each one is worth.

Nothing is installed: the Debian package is downloaded once and unpacked into build/postfix. Needs root (Postfix changes users),
dovecot-core and openssl. To try by hand: python3 test/real/mailserver.py --print
"""
import argparse
import contextlib
import grp
import json
import os
import re
import signal
import stat
import sys
import time

from certificates import KINDS
from package import environment, library_path, unpacked
from process import Process, ensure_user, free_ports, is_listening, make_folder, wait_until, write
from realserver import HOST, PASSWORD, REFUSED_RECIPIENT, USER, RealServer, files_below, mode_of

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
alias_maps =
alias_database =
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

# Tests open many connections from one address. All limits on what a session may do are Postfix's own.
smtpd_client_event_limit_exceptions = 127.0.0.0/8

smtpd_discard_ehlo_keywords = {hidden}
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

# For a proxy that has seen to TLS and login.
RELAY_CF = """
127.0.0.1:{relay_port} inet n - n - - smtpd -o smtpd_tls_security_level=none -o smtpd_sasl_auth_enable=no
  -o mynetworks=127.0.0.0/8 -o smtpd_sender_restrictions= -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o smtpd_recipient_restrictions=check_recipient_access,texthash:{base}/refused,permit_mynetworks,reject
"""

QUEUE_FOLDERS = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private",
                 "saved", "trace")

DOVECOT_CONF = """
base_dir = {base}/dovecot/run
state_dir = {base}/dovecot/state
log_path = {base}/dovecot.log
protocols =
ssl = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
passdb {{
  {passdb}
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


PASSWORDS = {"mechanisms": "plain login scram-sha-256",
             "passdb": "driver = passwd-file\n  args = username_format=%u {base}/dovecot/users"}
TOKENS = {"passdb": "driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {base}/dovecot/oauth2.conf"}

OAUTH2_CONF = """
introspection_mode = post
introspection_url = {introspection_url}
force_introspection = yes
tls_ca_cert_file = {ca_file}
active_attribute = active
active_value = true
username_attribute = username
username_format = %u
"""


class MailServer(RealServer):
    """is_relay: takes mail from loopback without TLS and login at relay_port too, for a proxy in front of it. oauth: the AuthServer whose
    tokens log in instead of passwords; both then have one CA. token_mechanisms: of these two what it offers."""

    needs = ("dovecot",)
    recipient_header = "x-original-to"
    trace_headers = frozenset({"return-path", "x-original-to", "delivered-to", "received"})
    log_files = ("mail.log", "master.log", "dovecot.log")

    def __init__(self, *arguments, is_relay=False, oauth=None, token_mechanisms=("xoauth2", "oauthbearer"), **options):
        super().__init__(*arguments, **options)
        self.relay_port = free_ports(1)[0] if is_relay else None
        self.oauth, self.token_mechanisms = oauth, token_mechanisms
        if oauth:
            self.certificates = oauth.certificates
        self._postfix = None

    def change_password(self, password):
        """From now on only this one logs in. Dovecot looks at the file once a second."""
        is_change = self.users_file.exists()
        write(self.users_file, f"{USER}:{{PLAIN}}{password}\n")
        if is_change:
            time.sleep(1.2)

    def restart(self):
        """Postfix is killed and started again; what it has taken is in its queue."""
        self._postfix.stop()
        self._run_postfix()

    def queued(self):
        """Without what a killed cleanup(8) left half-written: its mode is 0600 until all of it is there, and nobody was told 250."""
        names = files_below(*(self.base / "queue" / name for name in ("maildrop", "incoming", "active", "deferred")))
        return [name for name in names if mode_of(name) & stat.S_IXUSR]

    def chunked(self):
        """Postfix tells when a session has ended."""
        return sum(map(int, re.findall(r"disconnect from .* bdat=(\d+)", self.log())))

    def _start(self, stack):
        self._folder = unpacked("postfix")
        self._owner = ensure_user("postfix", "postdrop")
        self._start_dovecot(stack)
        self._configure_postfix()
        stack.callback(lambda: self._postfix.stop())
        self._run_postfix()

    def _settings(self):
        return {"base": self.base, "uid": self._owner.pw_uid, "gid": self._owner.pw_gid, "host": HOST}

    def _start_dovecot(self, stack):
        folder = self.base / "dovecot"
        for name in ("run", "state"):
            (folder / name).mkdir(parents=True)
        self.users_file = folder / "users"
        if self.oauth:
            login = {**TOKENS, "mechanisms": " ".join(self.token_mechanisms)}
            write(folder / "oauth2.conf", OAUTH2_CONF.format(introspection_url=self.oauth.introspection_url, ca_file=self.oauth.ca_file))
        else:
            login = PASSWORDS
            self.change_password(PASSWORD)
        login = {name: text.format(**self._settings()) for name, text in login.items()}
        write(folder / "dovecot.conf", DOVECOT_CONF.format(**self._settings(), **login))
        dovecot = Process("dovecot", ["dovecot", "-F", "-c", str(folder / "dovecot.conf")], dict(os.environ),
                          self.base / "dovecot.log")
        stack.callback(dovecot.stop)
        wait_until(dovecot, (folder / "auth").exists)

    def _configure_postfix(self):
        certificate, key = self.certificates.pair(self.certificate)
        config = self.base / "postfix"
        config.mkdir()
        hidden = [name for name, is_there in (("chunking", self.has_chunking), ("pipelining", self.has_pipelining)) if not is_there]
        write(config / "main.cf", MAIN_CF.format(**self._settings(), postfix=self._folder, certificate=certificate, key=key,
                                                 libraries=library_path(self._folder), hidden=", ".join(hidden)))
        relay = RELAY_CF.format(relay_port=self.relay_port, base=self.base) if self.relay_port else ""
        write(config / "master.cf", MASTER_CF.format(starttls_port=self.starttls_port, implicit_port=self.implicit_port) + relay)
        write(self.base / "senders", f"{USER} {USER}\n")
        write(self.base / "refused", f"{REFUSED_RECIPIENT} 550 5.1.1 No such mailbox\n")
        self._make_queue()

    def _run_postfix(self):
        config = self.base / "postfix"
        master = self._folder / "usr/lib/postfix/sbin/master"
        self._postfix = Process("postfix", [str(master), "-d", "-c", str(config)],
                                {**environment(self._folder), "MAIL_CONFIG": str(config)}, self.base / "master.log")
        for port in filter(None, (self.starttls_port, self.implicit_port, self.relay_port)):
            wait_until(self._postfix, lambda port=port: is_listening(port))

    def _make_queue(self):
        postdrop = grp.getgrnam("postdrop").gr_gid
        queue = self.base / "queue"
        queue.mkdir()
        (queue / "pid").mkdir()
        for folder in [self.base / "data", self.maildir, *(queue / name for name in QUEUE_FOLDERS)]:
            make_folder(folder, self._owner)
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            make_folder(queue / name, self._owner, mode)
            os.chown(queue / name, self._owner.pw_uid, postdrop)


def main():
    parser = argparse.ArgumentParser(description="Runs the test mail server until its standard input ends.")
    parser.add_argument("--print", action="store_true", help="print each mail as it arrives")
    parser.add_argument("--certificate", choices=KINDS, default="good")
    options = parser.parse_args()
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
