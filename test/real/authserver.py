#!/usr/bin/env python3
"""A real authorisation server for tests: oidc-provider (npm, certified by the OpenID Foundation) over TLS on loopback; oidc/server.mjs
runs it. Absender is a customer's own client of it, and mailserver.py's Dovecot asks it what a token is worth.

    with AuthServer() as auth, MailServer(oauth=auth) as mail:
        auth.oauth("application")        # the member "oauth" of SMTP settings, secrets included
        auth.requests()                  # of the token endpoint, oldest first: grant_type, client_id, status, error
        auth.turn("shut")                # or "unavailable" (503), "busy" (429), "broken" (500); "up" again; introspection goes on
        auth.change_secret("application")
        auth.revoke("person")
        auth.sign_in(authorize_url)      # what a person does in the browser; the address line at the end of it

Clients, each with a mailbox that its tokens open:
    application      client_credentials with a secret
    stranger         the same, with somebody else's mailbox: a token is issued, the mail server refuses it
    certificate      client_credentials with a JWT assertion
    person           authorization_code with PKCE, refresh_token (each serves once), device code
    service_account  a JWT for a mailbox, as Google has it

knows_providers: serves login.microsoftonline.com, accounts.google.com and oauth2.googleapis.com too, at an address of its own with port
443, for an Absender whose DNS says records(). Needs root then.

To use it from elsewhere: python3 test/real/authserver.py [--mail] [--redirect URL]… prints one line of JSON (describe() below; with --mail
the mail server's under "mail") and goes on until its standard input ends or it is told to stop.
"""
import argparse
import contextlib
import fcntl
import html
import http.client
import http.cookiejar
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from certificates import Certificates, openssl  # noqa: E402
from package import BUILD  # noqa: E402
from process import Process, free_ports, is_listening, run, wait_until  # noqa: E402
from realserver import USER  # noqa: E402

OIDC = pathlib.Path(__file__).resolve().parent / "oidc"
INSTALL_SECONDS = 300
TENANT = "8f3c1d2e-5a6b-4c7d-9e0f-112233445566"
KNOWN_NAMES = ("login.microsoftonline.com", "accounts.google.com", "oauth2.googleapis.com")
SCOPE = "mail.send"
LIFETIME = 3600
STATES = ("up", "shut", "unavailable", "busy", "broken")
CODE, REFRESH, CREDENTIALS = "authorization_code", "refresh_token", "client_credentials"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
STEPS = 12  # redirects and pages of a sign-in, at most
KNOWN_SCOPES = {"microsoft": "https://outlook.office365.com/.default", "google": "https://mail.google.com/"}


def installed():
    """The folder with the server; its modules are fetched at the first call on this machine."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "oidc.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = OIDC / "node_modules/.installed", OIDC / "package-lock.json"
        if not stamp.exists() or stamp.stat().st_mtime < wanted.stat().st_mtime:
            run("npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", cwd=OIDC, timeout=INSTALL_SECONDS)
            stamp.touch()
    return OIDC


def secret():
    return secrets.token_urlsafe(30)


class Redirected(urllib.request.HTTPRedirectHandler):
    """Tells where to instead of going there."""

    def redirect_request(self, *_):
        return None


class Connection(http.client.HTTPSConnection):
    """Looks for the known names at another address."""

    def __init__(self, host, known_at, **options):
        super().__init__(host, **options)
        self.known_at = known_at

    def connect(self):
        at = self.known_at if self.host in KNOWN_NAMES else self.host
        self.sock = self._context.wrap_socket(socket.create_connection((at, self.port), self.timeout), server_hostname=self.host)


class Https(urllib.request.HTTPSHandler):
    def __init__(self, auth):
        self.known_at, self.context = auth.known_at, ssl.create_default_context(cafile=auth.ca_file)
        super().__init__(context=self.context)

    def https_open(self, req):
        return self.do_open(Connection, req, known_at=self.known_at, context=self.context)


class AuthServer:
    def __init__(self, redirects=(), lifetime=LIFETIME, knows_providers=False):
        self.redirects, self.lifetime = list(redirects), lifetime
        self.known_at = f"127.43.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}" if knows_providers else None
        self.base = self.certificates = self.ca_file = self.process = None
        self.clients = {}
        self._stack = contextlib.ExitStack()

    @staticmethod
    def unavailable():
        """Why the server cannot run here, or None."""
        return next((f"{program} is not installed" for program in ("node", "npm", "openssl") if shutil.which(program) is None), None)

    def __enter__(self):
        folder = installed()
        with contextlib.ExitStack() as stack:
            self.base = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="absender-authserver-", ignore_cleanup_errors=True)))
            self.base.chmod(0o755)  # the mail server reads the CA's certificate here, as another user
            self.certificates = Certificates(self.base / "tls")
            self.ca_file = self.certificates.ca_file
            self.port, self.introspection_port, self.control_port = free_ports(3)
            self.issuer = f"https://localhost:{self.port}"
            self._make_clients()
            self._write_settings()
            self.process = Process("the authorisation server", ["node", str(folder / "server.mjs"), str(self.base / "settings.json")],
                                   {**os.environ, "NO_COLOR": "1"}, self.base / "log")
            stack.callback(self.process.stop)
            wait_until(self.process, lambda: is_listening(self.control_port))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    # --- Its clients ---------------------------------------------------------------------------------------------------------------

    def _make_clients(self):
        keys = {name: self._make_key(name) for name in ("certificate", "service_account")}
        self.clients = {name: {"client_id": f"absender-{name.replace('_', '-')}", "mailbox": USER, "client_secret": secret(),
                               "grant_types": [CREDENTIALS], "redirect_uris": [], "response_types": [],
                               "token_endpoint_auth_method": "client_secret_post"}
                        for name in ("application", "stranger", "person", "certificate", "service_account", "mailserver")}
        self.clients["stranger"]["mailbox"] = "somebody.else@example.test"
        self.clients["person"].update(
            application_type="native",  # a loopback address may have any port (RFC 8252 7.3)
            redirect_uris=["http://127.0.0.1/oauth/return", "http://localhost/oauth/return", *self.redirects],
            response_types=["code"], grant_types=[CODE, REFRESH, DEVICE])
        self.clients["certificate"].update(certificate=keys["certificate"][0], token_endpoint_auth_method="private_key_jwt")
        del self.clients["certificate"]["client_secret"]
        self.keys = keys

    def _make_key(self, name):
        """RSA, as Microsoft and Google have it: (certificate, private key)."""
        certificate, key = self.base / f"{name}.pem", self.base / f"{name}.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", 365, "-subj", f"/CN=Absender {name}", "-out", certificate, "-keyout", key)
        return certificate.read_text("ascii"), key.read_text("ascii")

    def service_account_key(self):
        """The file that Google's console gives out."""
        return json.dumps({
            "type": "service_account", "project_id": "absender-test", "private_key_id": "0123456789abcdef0123456789abcdef01234567",
            "private_key": self.keys["service_account"][1], "client_email": self._account_email(),
            "client_id": "112233445566778899000", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": "https://oauth2.googleapis.com/token", "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/absender%40absender-test.iam.gserviceaccount.com",
            "universe_domain": "googleapis.com"})

    @staticmethod
    def _account_email():
        return "absender@absender-test.iam.gserviceaccount.com"

    def _write_settings(self):
        certificate, key = self.certificates.add("login", ["localhost", *KNOWN_NAMES])
        public = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=self.keys["service_account"][0], capture_output=True,
                                text=True, check=True).stdout
        account = self.clients["service_account"]
        settings = {
            "issuer": self.issuer, "tenant": TENANT, "lifetime": self.lifetime, "certificate": str(certificate), "key": str(key),
            "port": self.port, "introspection_port": self.introspection_port, "control_port": self.control_port,
            "known": {"host": self.known_at, "port": 443} if self.known_at else None,
            "introspector": self.clients["mailserver"]["client_id"], "clients": list(self.clients.values()),
            "accounts": {self._account_email(): {"client_id": account["client_id"], "mailbox": account["mailbox"], "public_key": public}}}
        path = self.base / "settings.json"
        path.touch(0o600)
        path.write_text(json.dumps(settings), "utf-8")

    # --- What Absender and the mail server need to know --------------------------------------------------------------------------------

    token_url = property(lambda self: f"{self.issuer}/token")
    authorize_url = property(lambda self: f"{self.issuer}/auth")
    device_url = property(lambda self: f"{self.issuer}/device/auth")

    @property
    def introspection_url(self):
        """With the mail server's own name and secret in it."""
        client = self.clients["mailserver"]
        return f"https://{client['client_id']}:{client['client_secret']}@localhost:{self.introspection_port}/token/introspection"

    def oauth(self, name, provider="generic", **more):
        """The member `oauth` of SMTP settings for this client; the person's has no refresh token yet."""
        client = self.clients[name]
        settings = {"provider": provider, "client_id": client["client_id"], "scope": SCOPE}
        if provider != "generic":
            settings["scope"] = KNOWN_SCOPES[provider]
        if provider == "generic":
            settings["token_url"] = self.token_url
        if provider == "microsoft":
            settings["tenant"] = TENANT
        if name == "certificate":
            settings.update(grant="certificate", certificate=self.keys[name][0], private_key=self.keys[name][1])
        elif name == "service_account":
            settings.update(grant="service_account", service_account_key=self.service_account_key())
            del settings["client_id"]
        elif name == "person":
            settings.update(grant="refresh_token", client_secret=client["client_secret"])
            if provider == "generic":
                settings.update(authorize_url=self.authorize_url, device_url=self.device_url)
        else:
            settings.update(grant="client_secret", client_secret=client["client_secret"])
        return {**settings, **more}

    def records(self):
        """Of the DNS, with knows_providers."""
        return [f"{name}. A {self.known_at}" for name in KNOWN_NAMES]

    def describe(self):
        names = ("client_id", "client_secret", "mailbox")
        return {
            "issuer": self.issuer, "token_url": self.token_url, "authorize_url": self.authorize_url, "device_url": self.device_url,
            "ca_file": str(self.ca_file), "control_url": f"http://127.0.0.1:{self.control_port}", "scope": SCOPE, "tenant": TENANT,
            "login": USER, "clients": {name: {key: client[key] for key in names if key in client} for name, client in self.clients.items() if name != "mailserver"},
            "certificate": self.keys["certificate"][0], "private_key": self.keys["certificate"][1],
            "service_account_key": self.service_account_key()}

    # --- Orders of the test ------------------------------------------------------------------------------------------------------------

    def _control(self, method, path, **body):
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body else None)
            answer = connection.getresponse()
            said = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {said}\n{self.log()}")
        return said

    def requests(self):
        return self._control("GET", "/requests")["token"]

    def introspections(self):
        return self._control("GET", "/requests")["introspections"]

    def forget_requests(self):
        self._control("DELETE", "/requests")

    def turn(self, state):
        if state not in STATES:
            raise ValueError(f"{state!r} is none of {STATES}")
        self._control("PUT", "/state", state=state)

    def change_lifetime(self, seconds):
        """Of access tokens issued from now on."""
        self._control("PUT", "/lifetime", seconds=seconds)

    def change_secret(self, name):
        """The old one is refused from now on; the new one."""
        client = self.clients[name]
        client["client_secret"] = secret()
        self._control("PUT", "/secret", client_id=client["client_id"], client_secret=client["client_secret"])
        return client["client_secret"]

    def revoke(self, name):
        """All tokens of the client that there are; how many."""
        return self._control("POST", "/revoke", client_id=self.clients[name]["client_id"])["revoked"]

    def log(self):
        return (self.base / "log").read_text("utf-8", "replace")

    def tokens(self):
        """Every access and refresh token that is kept."""
        return self._control("GET", "/tokens")["tokens"]

    # --- What a person does in the browser -----------------------------------------------------------------------------------------------

    def _browser(self):
        browser = urllib.request.build_opener(Https(self), Redirected(), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

        def ask(address, form=None):
            """Where it sends to, and the page."""
            data = urllib.parse.urlencode(form).encode() if form else None
            try:
                with browser.open(address, data, timeout=60) as answer:
                    return None, answer.read().decode()
            except urllib.error.HTTPError as error:
                where = error.headers.get("Location")
                if error.code not in (302, 303) or where is None:
                    raise RuntimeError(f"{address}: {error.code} {error.read().decode()}") from None
                return urllib.parse.urljoin(address, where), None
        return ask

    def _walk(self, ask, address, fields):
        """From page to page, each form sent off, until it leads away from the server or no form is left."""
        form = None
        for _ in range(STEPS):
            where, page = ask(address, form)
            form = None
            if where is not None:
                address = where
                if not where.startswith((self.issuer, *(f"https://{name}/" for name in KNOWN_NAMES))):
                    return where
                continue
            action = re.search(r'<form[^>]*action="([^"]+)"', page)
            if action is None:
                return page
            form = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
            form.update({name: value for name, value in fields.items() if f'name="{name}"' in page})
            address = urllib.parse.urljoin(address, html.unescape(action.group(1)))
        raise RuntimeError(f"no end of the sign-in at {address}")

    def sign_in(self, authorize_url, login=USER):
        """The address that the browser is sent back to, with code and state in it."""
        return self._walk(self._browser(), authorize_url, {"login": login, "password": "any"})

    def confirm_device(self, verification_uri, user_code, login=USER):
        """The page at the end of it."""
        return self._walk(self._browser(), verification_uri, {"user_code": user_code, "login": login, "password": "any", "confirm": "yes"})


def main():
    parser = argparse.ArgumentParser(description="Runs the authorisation server until its standard input ends.")
    parser.add_argument("--install", action="store_true", help="fetch what it needs, and no more")
    parser.add_argument("--mail", action="store_true", help="with a mail server that takes its tokens")
    parser.add_argument("--redirect", action="append", default=[], help="an address to send browsers back to, besides loopback's")
    parser.add_argument("--lifetime", type=int, default=LIFETIME, help="of access tokens, in seconds")
    options = parser.parse_args()
    if options.install:
        installed()
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        auth = stack.enter_context(AuthServer(options.redirect, options.lifetime))
        said = auth.describe()
        if options.mail:
            from mailserver import MailServer  # pylint: disable=import-outside-toplevel  # needs root
            said["mail"] = stack.enter_context(MailServer(oauth=auth)).describe()
        print(json.dumps(said), flush=True)
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
