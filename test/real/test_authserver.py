#!/usr/bin/env python3
"""The authorisation server of our tests, and the mail server that asks it, do what a provider's do: judged without Absender. TAP."""
import base64
import hashlib
import json
import pathlib
import secrets
import smtplib
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tap  # noqa: E402
from authserver import CODE, CREDENTIALS, DEVICE, KNOWN_SCOPES, REFRESH, SCOPE, STATES, TENANT, AuthServer, Https  # noqa: E402
from mailserver import USER, MailServer  # noqa: E402

RETURN = "http://127.0.0.1:4711/oauth/return"
MECHANISMS = ("XOAUTH2", "OAUTHBEARER")
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MICROSOFT_URL = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
GOOGLE_URL = "https://oauth2.googleapis.com/token"


def post(auth, url, **form):
    """Status and JSON."""
    try:
        with urllib.request.build_opener(Https(auth)).open(url, urllib.parse.urlencode(form).encode(), timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def ask(auth, name, url=None, **form):
    """A token for this client, which names itself with its secret."""
    client = auth.clients[name]
    return post(auth, url or auth.token_url, client_id=client["client_id"], client_secret=client["client_secret"], **form)


def application_token(auth, name="application"):
    return ask(auth, name, grant_type=CREDENTIALS, scope=SCOPE)[1]["access_token"]


def digits(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header, claims, key_file, *options):
    """A JWT whose RS256 or PS256 the openssl command makes."""
    said = ".".join(digits(json.dumps(part).encode()) for part in (header, claims))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key_file, *options], input=said.encode(), capture_output=True, check=True).stdout
    return f"{said}.{digits(signature)}"


# --- Grants ---------------------------------------------------------------------------------------------------------------------------

def check_secret(auth):
    status, said = ask(auth, "application", grant_type=CREDENTIALS, scope=SCOPE)
    tap.equal("an application gets a token for its secret", (status, said["scope"], said["token_type"], said["expires_in"]), (200, SCOPE, "Bearer", 3600))
    tap.ok("it is as long as Microsoft's", len(said["access_token"]) > 2000, len(said["access_token"]))
    client = auth.clients["application"]["client_id"]
    status, said = post(auth, auth.token_url, grant_type=CREDENTIALS, client_id=client, client_secret="wrong")
    tap.equal("a wrong secret is refused", (status, said["error"]), (401, "invalid_client"))
    status, said = post(auth, auth.token_url, grant_type=CREDENTIALS, client_id="nobody", client_secret="wrong")
    tap.equal("an unknown client is refused", (status, said["error"]), (401, "invalid_client"))
    tap.equal("what was asked is listed", auth.requests(), [
        {"grant_type": CREDENTIALS, "client_id": client, "status": 200},
        {"grant_type": CREDENTIALS, "client_id": client, "status": 401, "error": "invalid_client"},
        {"grant_type": CREDENTIALS, "client_id": "nobody", "status": 401, "error": "invalid_client"}])
    old = auth.clients["application"]["client_secret"]
    auth.change_secret("application")
    tap.equal("after a change the old secret is refused", post(auth, auth.token_url, grant_type=CREDENTIALS, client_id=client, client_secret=old)[0], 401)
    tap.equal("and the new one taken", ask(auth, "application", grant_type=CREDENTIALS)[0], 200)


def authorize_url(auth, challenge, **more):
    return auth.authorize_url + "?" + urllib.parse.urlencode({
        "client_id": auth.clients["person"]["client_id"], "response_type": "code", "scope": SCOPE, "redirect_uri": RETURN, "state": "opaque",
        "code_challenge": challenge, "code_challenge_method": "S256", **more})


def check_person(auth):
    verifier = secrets.token_urlsafe(48)
    challenge = digits(hashlib.sha256(verifier.encode()).digest())

    def sign_in():
        back = auth.sign_in(authorize_url(auth, challenge))
        return back, dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    back, query = sign_in()
    tap.ok("a person is sent back with code and state", back.startswith(RETURN + "?") and query["state"] == "opaque", back)
    exchange = {"grant_type": CODE, "redirect_uri": RETURN}
    status, said = ask(auth, "person", **exchange, code=query["code"], code_verifier="x" * 50)
    tap.equal("the code is worth nothing without its verifier", (status, said["error"]), (400, "invalid_grant"))
    status, first = ask(auth, "person", **exchange, code=sign_in()[1]["code"], code_verifier=verifier)
    tap.ok("with it there are both tokens", status == 200 and {"access_token", "refresh_token"} <= set(first), first)
    status, second = ask(auth, "person", grant_type=REFRESH, refresh_token=first["refresh_token"])
    tap.ok("a refresh token is exchanged for a new one", status == 200 and second["refresh_token"] != first["refresh_token"], second)
    status, said = ask(auth, "person", grant_type=REFRESH, refresh_token=first["refresh_token"])
    tap.equal("it serves once", (status, said["error"]), (400, "invalid_grant"))
    status, said = ask(auth, "person", grant_type=REFRESH, refresh_token=second["refresh_token"])
    tap.equal("and when it comes twice, all is withdrawn", (status, said["error"]), (400, "invalid_grant"))
    back = auth.sign_in(authorize_url(auth, challenge, code_challenge="", code_challenge_method=""))
    tap.ok("without PKCE there is no code", "error=invalid_request" in back, back)


def check_device(auth):
    status, device = ask(auth, "person", url=auth.device_url, scope=SCOPE)
    tap.ok("a device gets a code to show", status == 200 and {"user_code", "verification_uri", "device_code"} <= set(device), device)
    poll = {"grant_type": DEVICE, "device_code": device["device_code"]}
    tap.equal("until the person has signed in it waits", ask(auth, "person", **poll)[1]["error"], "authorization_pending")
    auth.confirm_device(device["verification_uri"], device["user_code"])
    status, said = ask(auth, "person", **poll)
    tap.ok("then there are both tokens", status == 200 and {"access_token", "refresh_token"} <= set(said), said)


# --- Assertions -------------------------------------------------------------------------------------------------------------------------

def check_certificate(auth, name, url, scope):
    now, client = int(time.time()), auth.clients["certificate"]["client_id"]
    der = ssl.PEM_cert_to_DER_cert(auth.keys["certificate"][0])

    def exchange(algorithm="PS256", der=der, key=auth.base / "certificate.key", **changed):
        claims = {"iss": client, "sub": client, "aud": url, "jti": secrets.token_urlsafe(), "nbf": now, "exp": now + 600, **changed}
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if algorithm == "PS256" else []
        jwt = signed({"alg": algorithm, "typ": "JWT", "x5t#S256": digits(hashlib.sha256(der).digest())}, claims, key, *options)
        status, said = post(auth, url, grant_type=CREDENTIALS, client_id=client, scope=scope, client_assertion_type=ASSERTION, client_assertion=jwt)
        return status, said.get("error")
    tap.equal(f"{name}: PS256 is taken", exchange(), (200, None))
    tap.equal(f"{name}: RS256 is taken", exchange("RS256"), (200, None))
    tap.equal(f"{name}: one that another key has signed is refused", exchange(key=auth.base / "service_account.key"), (401, "invalid_client"))
    for what, changed in {"for somebody else": {"aud": "https://else.example/token"}, "of another issuer": {"iss": "else"},
                          "that lives too long": {"exp": now + 3600}, "that has ended": {"nbf": now - 900, "exp": now - 300},
                          "with another certificate's thumbprint": {"der": b"else"}}.items():
        tap.equal(f"{name}: an assertion {what} is refused", exchange(**changed), (401, "invalid_client"))


def check_service_account(auth):
    now, account = int(time.time()), json.loads(auth.service_account_key())

    def exchange(key=auth.base / "service_account.key", **changed):
        claims = {"iss": account["client_email"], "sub": USER, "scope": KNOWN_SCOPES["google"], "aud": account["token_uri"], "iat": now, "exp": now + 3600, **changed}
        jwt = signed({"alg": "RS256", "typ": "JWT", "kid": account["private_key_id"]}, claims, key)
        status, said = post(auth, GOOGLE_URL, grant_type=JWT_BEARER, assertion=jwt)
        return status, said.get("error"), said.get("access_token")
    status, _, token = exchange()
    tap.ok("a service account gets a token for its mailbox", status == 200 and token, status)
    for what, changed, wanted in (("another mailbox", {"sub": "else@example.test"}, (401, "unauthorized_client")),
                                  ("another scope", {"scope": "else"}, (400, "invalid_scope")),
                                  ("too long a life", {"exp": now + 7200}, (400, "invalid_grant")),
                                  ("a clock that is behind", {"iat": now - 9000, "exp": now - 5400}, (400, "invalid_grant")),
                                  ("another key", {"key": auth.base / "certificate.key"}, (400, "invalid_grant")),
                                  ("an unknown account", {"iss": "else@example.test"}, (400, "invalid_grant"))):
        tap.equal(f"a service account is refused: {what}", exchange(**changed)[:2], wanted)
    return token


def check_providers():
    with AuthServer(knows_providers=True) as auth, MailServer(oauth=auth) as mail:
        check_certificate(auth, "Microsoft", MICROSOFT_URL, KNOWN_SCOPES["microsoft"])
        wrong = post(auth, MICROSOFT_URL.replace(TENANT, "elsewhere"), grant_type=CREDENTIALS)
        tap.ok("Microsoft: another tenant is refused", wrong[0] == 400 and "AADSTS90002" in wrong[1]["error_description"], wrong)
        status, said = ask(auth, "application", url=MICROSOFT_URL, grant_type=CREDENTIALS, scope=KNOWN_SCOPES["microsoft"])
        tap.equal("Microsoft: a secret is taken", status, 200)
        for name, token in (("Microsoft", said["access_token"]), ("Google", check_service_account(auth))):
            tap.equal(f"{name}'s token logs in", [log_in(mail, mechanism, token)[0] for mechanism in MECHANISMS], [235, 235])


# --- The mail server ----------------------------------------------------------------------------------------------------------------------

def connect(mail):
    client = smtplib.SMTP("localhost", mail.starttls_port, timeout=60)
    client.ehlo("app.example.test")
    client.starttls(context=ssl.create_default_context(cafile=mail.ca_file))
    client.ehlo("app.example.test")
    return client


def log_in(mail, mechanism, token, user=USER, act=lambda client: None):
    """The last reply's code, and what the challenge of a refusal says; act: once in."""
    with connect(mail) as client:
        client.docmd("AUTH", mechanism)
        text = f"user={user}\1auth=Bearer {token}\1\1"
        if mechanism == "OAUTHBEARER":
            text = f"n,a={user},\1host=localhost\1port={mail.starttls_port}\1auth=Bearer {token}\1\1"
        code, said = client.docmd(base64.b64encode(text.encode()).decode())
        challenge = None
        if code == 334:
            challenge = json.loads(base64.b64decode(said))
            code, said = client.docmd("" if mechanism == "XOAUTH2" else "AQ==")
        if code == 235:
            act(client)
        return code, challenge


def check_mailserver(auth):
    message = f"From: {USER}\r\nTo: anna@example.de\r\nSubject: Hello\r\n\r\nHello\r\n"
    refusals = {"XOAUTH2": {"status": "401", "schemes": "bearer", "scope": "mail"}, "OAUTHBEARER": {"status": "invalid_token"}}
    with MailServer(oauth=auth) as mail:
        with connect(mail) as client:
            tap.equal("tokens log in, and nothing else does", client.esmtp_features["auth"].split(), list(MECHANISMS))
        token, stranger = application_token(auth), application_token(auth, "stranger")
        for mechanism in MECHANISMS:
            refused = (535, refusals[mechanism])
            sent = log_in(mail, mechanism, token, act=lambda client: client.sendmail(USER, ["anna@example.de"], message))
            tap.equal(f"{mechanism}: a token logs in, and a mail is taken", sent, (235, None))
            tap.equal(f"{mechanism}: a token of another mailbox is refused", log_in(mail, mechanism, stranger), refused)
            tap.equal(f"{mechanism}: with another user's name it is refused", log_in(mail, mechanism, token, "boss@example.test"), refused)
            tap.equal(f"{mechanism}: what is no token is refused", log_in(mail, mechanism, "junk"), refused)
            auth.turn("shut")
            tap.equal(f"{mechanism}: while no token is issued, those that are issued log in", log_in(mail, mechanism, token)[0], 235)
            auth.turn("up")
        tap.equal("both mails are delivered", len(mail.wait_for_mails(2)), 2)
        auth.change_lifetime(1)
        short = application_token(auth)
        time.sleep(2.1)
        auth.change_lifetime(3600)
        tap.equal("a token that has ended is refused", log_in(mail, "XOAUTH2", short)[0], 535)
        tap.equal("tokens can be withdrawn", (auth.revoke("application") > 0, log_in(mail, "XOAUTH2", token)[0]), (True, 535))
    with MailServer(oauth=auth, token_mechanisms=("xoauth2",)) as mail, connect(mail) as client:
        tap.equal("it may offer one of them", client.esmtp_features["auth"].split(), ["XOAUTH2"])


def check_trouble(auth):
    seen = {}
    for state in STATES[1:]:
        auth.turn(state)
        try:
            seen[state] = ask(auth, "application", grant_type=CREDENTIALS)[0]
        except urllib.error.URLError as error:
            seen[state] = type(error.reason).__name__
    tap.equal("it makes trouble to order", seen, {"shut": "ConnectionRefusedError", "unavailable": 503, "busy": 429, "broken": 500})
    auth.turn("up")
    tap.equal("and stops", ask(auth, "application", grant_type=CREDENTIALS)[0], 200)


def main():
    reason = AuthServer.unavailable() or MailServer.unavailable()
    if reason is not None:
        tap.skip_all(reason)
    with AuthServer() as auth:
        check_secret(auth)
        check_person(auth)
        check_device(auth)
        check_certificate(auth, "generic", auth.token_url, SCOPE)
        check_mailserver(auth)
        check_trouble(auth)
    check_providers()
    tap.done()


if __name__ == "__main__":
    main()
