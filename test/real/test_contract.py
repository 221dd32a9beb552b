"""doc/openapi.yaml and the program say the same: every operation is there, every refusal has the documented status and shape.
(The other tests hold each of their answers against it too.)"""
import copy
import json
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
os.environ["ABSENDER_CHECK_ANSWERS"] = "1"
from harness.daemon import ADMIN, Answer, Daemon, Tap, contract, contract_faults  # noqa: E402
from harness.openapi import Contract  # noqa: E402

STREAM = "/v1/smtp/events"
NEVER_BEGUN = "/v1/backups/current"
NEEDED_BODY = [("PATCH /v1/emails", {"scheduled_at": None}), ("PATCH", {"name": "x"}), ("/replay", {"event_id": "evt_" + "0" * 32})]
NEEDED_QUERY = {"/v1/smtp/discovery": "?email=anna@gmx.de"}


def operations():
    """(method, path with an id that nothing has, description) of everything in the contract."""
    for path, methods in contract.document["paths"].items():
        parameters = methods.get("parameters", [])
        ids = [contract.resolve(each) for each in parameters if contract.resolve(each)["in"] == "path"]
        pattern = contract.resolve(ids[0]["schema"])["pattern"] if ids else ""
        prefix = pattern[1:].partition("_")[0] + "_" if "_" in pattern else ""
        concrete = path.replace("{id}", prefix + "0" * 32)
        for method, operation in methods.items():
            if method in ("get", "post", "put", "patch", "delete"):
                yield method.upper(), concrete, operation


def check_judge(tap):
    """The judge finds what it is there to find."""
    judge = Contract()
    session = {"authenticated": False, "setup_required": True, "dev": False, "sandbox": False, "version": "1", "public_url": "http://a",
               "public_url_is_fixed": False, "org_name": None, "member": None, "csrf_token": None}

    def answer(status=200, body=None, media_type="application/json"):
        return Answer(status, {"Content-Type": media_type}, json.dumps(session if body is None else body).encode())

    def refusal(status, code):
        problem = {"type": "a", "title": "a", "status": status, "detail": "a", "instance": "a", "code": code, "request_id": "req_1"}
        return answer(status, problem, "application/problem+json")

    def changed(**members):
        return answer(body={**copy.deepcopy(session), **members})

    tap.equal(judge.faults("GET", "/v1/session", answer()), [], "the judge takes an answer as promised")
    member = {"object": "member", "id": "mem_" + "0" * 32, "email": "a", "name": "a", "role": "member", "language": None,
              "created_at": "2026-11-21T18:00:00Z", "signed_in_at": None, "is_you": True}
    tap.equal(judge.faults("GET", "/v1/session", changed(member=member)), [], "a nested one too")
    tap.equal(judge.faults("DELETE", "/v1/sessions/current", refusal(401, "session_expired")), [], "and a refusal")
    for what, method, path, bad in [
            ("a missing member", "GET", "/v1/session", answer(body={"authenticated": False})),
            ("a wrong type", "GET", "/v1/session", changed(dev="no")),
            ("a member that is written nowhere", "GET", "/v1/session", changed(more=1)),
            ("the same further in", "GET", "/v1/session", changed(member={**member, "password": "x"})),
            ("a status that is not documented", "GET", "/v1/session", answer(418)),
            ("another media type", "GET", "/v1/session", answer(media_type="text/html")),
            ("no JSON", "GET", "/v1/session", Answer(200, {"Content-Type": "application/json"}, b"<")),
            ("a refusal whose code is not named", "DELETE", "/v1/sessions/current", refusal(401, "key_unknown")),
            ("a code of another status", "DELETE", "/v1/sessions/current", refusal(401, "forbidden")),
            ("a code that does not exist", "DELETE", "/v1/sessions/current", refusal(401, "or")),
            ("a path that is not documented", "GET", "/v1/secrets", answer()),
            ("a method that is not documented", "PUT", "/v1/session", answer()),
            ("a time that is not in UTC", "GET", "/v1/tokens", answer(body={"object": "list", "has_more": False, "data": [
                {"id": "tok_" + "0" * 32, "name": "a", "hint": "a", "scopes": [], "created_at": "2026-11-21T18:00:00+01:00",
                 "expires_at": None, "used_at": None}]}))]:
        tap.ok(judge.faults(method, path, bad), f"the judge finds {what}")
    taken = Answer(202, {"Content-Type": "application/json"}, json.dumps({"id": "ver_" + "0" * 32, "state": "running"}).encode())
    tap.ok(judge.faults("POST", "/v1/smtp/verifications", taken, {"settings": {"colour": 1}}),
           "the judge finds a request that should not have been taken")
    for keyword in ({"nullable": True}, {"or a reason": None}, {"format": "iban"}):
        careless = Contract()
        careless.document["components"]["schemas"]["Member"]["properties"]["email"].update(keyword)
        tap.ok(careless.faults("GET", "/v1/session", answer()), f"the judge finds a schema with {keyword}, which it cannot judge")


def judged(tap, absender, statement, method, path, statuses, **options):
    """Asks, and expects one of the statuses and nothing against the contract."""
    before = sum(contract_faults.values())
    answer = absender.request(method, path, **options)
    tap.ok(answer.status in statuses and sum(contract_faults.values()) == before, f"{method} {path} {statement}: {statuses}", answer)
    return answer


def check_operations(tap, absender):
    """Each operation as a stranger, as somebody who may too little, and as the operator who sends nonsense."""
    poor, blind = (absender.operator("POST", "/v1/tokens", {"name": "poor", "scopes": [scope]}).json["token"]
                   for scope in ("audit:read", "emails:send"))
    for method, path, operation in operations():
        is_public = operation.get("security") == []
        takes_body = "requestBody" in operation
        needs_session = operation.get("security") == [{"session": []}]
        if not is_public:
            judged(tap, absender, "without credentials", method, path, [401])
            judged(tap, absender, "with a wrong token", method, path, [401], headers={"Authorization": "Bearer abs_wrong"})
            judged(tap, absender, "without the scope", method, path, [403],
                   headers={"Authorization": f"Bearer {blind if path.startswith('/v1/audit-events') else poor}"})
        if not is_public and method != "GET":
            judged(tap, absender, "by a page of somebody else", method, path, [403], headers={"Cookie": absender.known_cookie})
        if needs_session:
            judged(tap, absender, "without an account", method, path, [403], as_operator=True)
            continue
        if "000" in path:
            body = next((body for end, body in NEEDED_BODY if f"{method} {path}".startswith(end) or path.endswith(end)), None)
            judged(tap, absender, "of nothing", method, path, [404], body=body, as_operator=True)
        elif method == "GET" and path != STREAM:
            good = [404] if path == NEVER_BEGUN else [200]
            judged(tap, absender, "for the operator", method, path + NEEDED_QUERY.get(path, ""), good, as_operator=True)
            judged(tap, absender, "with a cursor that is none", method, path + "?after=x&limit=0", [*good, 400], as_operator=True)
        if takes_body:
            headers = {"If-Match": "*", "Content-Type": "application/json"}
            for body in (b"{", b"[]", b'{"a":1,"a":2}', b'{"nonsense":true}', b'"\xff"', b""):
                judged(tap, absender, f"with {body!r}", method, path, [202, 400, 422] + [404] * ("000" in path), raw=body, headers=headers,
                       as_operator=not is_public)
    for method, path in (("GET", "/v1"), ("GET", "/v1/nothing"), ("POST", "/v1/emails/em_1"),
                         ("GET", "/v1/emails/tok_" + "0" * 32)):
        judged(tap, absender, "does not exist", method, path, [404], as_operator=True)
    for method, path in (("PUT", "/v1/smtp"), ("DELETE", "/v1/emails"), ("POST", "/livez")):
        judged(tap, absender, "is not a method of it", method, path, [405], as_operator=True)


def check_special_refusals(tap, absender):
    for form in ("application/problem+json", "application/json"):
        answer = judged(tap, absender, f"for those who accept {form}", "POST", "/v1/emails", [422], body={},
                        headers={"Accept": form}, as_operator=True)
        tap.equal(answer.headers["Content-Type"], form, f"errors of emails as {form}")
    draft = {"host": "localhost"}
    judged(tap, absender, "without If-Match", "PATCH", "/v1/smtp/draft", [428], body=draft, as_operator=True)
    judged(tap, absender, "with another's ETag", "PATCH", "/v1/smtp/draft", [412], body=draft, headers={"If-Match": '"999999"'},
           as_operator=True)
    judged(tap, absender, "without If-Match", "DELETE", "/v1/smtp/draft", [428], as_operator=True)
    judged(tap, absender, "with another's ETag", "DELETE", "/v1/smtp/draft", [412], headers={"If-Match": '"999999"'},
           as_operator=True)
    judged(tap, absender, "without settings", "POST", "/v1/smtp/test-emails", [409], body={"to": "anna@example.test"}, as_operator=True)
    judged(tap, absender, "that is too large", "PATCH", "/v1/smtp/draft", [413], raw=b" " * 2_000_000,
           headers={"If-Match": "*", "Content-Type": "application/json"}, as_operator=True)
    email = {"from": "noreply@example.test", "to": "anna@example.test", "subject": "x", "text": "x"}
    for key in ("", "\xfc", "a" * 256):
        judged(tap, absender, f"with the key {key!r}", "POST", "/v1/emails", [400], body=email, headers={"Idempotency-Key": key},
               as_operator=True)
    for _ in range(12):
        answer = absender.request("POST", "/v1/sessions", {"email": ADMIN["email"], "password": "wrong password"})
        if answer.status != 401:
            break
    tap.ok(answer.status == 429 and "Retry-After" in answer.headers, "guessing passwords ends with 429 and Retry-After", answer)


def check_languages(tap, absender):
    """What is wrong is said in the language of the reader, whichever part of the program has found it."""
    patch, if_match = "PATCH /v1/smtp/draft", {"If-Match": "*"}
    for request, headers, body, pointer, german in [
            (patch, if_match, {"port": 25}, "/port",
             "Port 25 dient dem Verkehr zwischen Mailservern. Nehmen Sie 587 (STARTTLS) oder 465 (SSL/TLS)."),
            (patch, if_match, {"port": 99}, "/port", "Dieser Port ist nicht erlaubt. Erlaubt sind 443, 465, 587, 588, 2465, 2525, 2587"),
            (patch, if_match, {"port": "25"}, "/port", "Hier wird eine ganze Zahl erwartet."),
            (patch, if_match, {"host": "https://smtp.example.com"}, "/host", "Hierher gehört nur der Servername, z. B. smtp.example.com: "
             "ohne „https://“, Port und Benutzer."),
            (patch, if_match, {"from_email": "anna"}, "/from_email", "Zeichen 5: Es fehlen das @ und die Domain dahinter."),
            (patch, if_match, {"colour": 1}, "/colour",
             "Dieses Feld gibt es hier nicht. Bitte prüfen Sie die Schreibweise oder lassen Sie es weg."),
            ("POST /v1/tokens", {}, {"name": "a", "scopes": ["all"]}, "/scopes/0", "Dieses Recht gibt es nicht. Möglich sind: emails:send, "),
            ("PUT /v1/smtp/sending", {}, {"enabled": False, "until": "2020-01-01T00:00:00Z"}, "/until",
             "Bitte einen künftigen Zeitpunkt angeben, z. B. 2026-12-24T18:00:00Z."),
            ("POST /v1/emails", {}, {"from": "a@example.test", "to": "anna", "subject": "x", "text": "x"}, "/to",
             "Zeichen 5: Es fehlen das @ und die Domain dahinter."),
            ("POST /v1/emails", {}, {"from": "a@example.test", "to": "b@example.test", "subject": "a\nb", "text": "x"}, "/subject",
             "Der Wert enthält einen Zeilenumbruch oder ein anderes Steuerzeichen. Bitte entfernen Sie es.")]:
        said = {}
        for language in ("de", "en"):
            answer = absender.request(*request.split(), body=body, headers={"Accept-Language": language, **headers}, as_operator=True)
            said[language] = answer.json.get("errors", [{}])[0]
        tap.ok(said["de"].get("pointer") == pointer and said["de"]["detail"].startswith(german), f"{request} {body} in German", said)
        tap.ok(said["en"].get("code") == said["de"].get("code") and said["en"]["detail"] != said["de"]["detail"],
               f"{request} {body} in English, the same code", said)
    presets = judged(tap, absender, "in German", "GET", "/v1/smtp/presets", [200], headers={"Accept-Language": "de"}, as_operator=True)
    names = {each["id"]: each["name"] for each in presets.json["data"]}
    tap.equal((names["ionos"], names["proton_bridge"]), ("IONOS (1&1)", "Proton Mail Bridge (lokal)"), "presets have German names")
    for path in ("/v1/nothing", "/v1/emails?limit=x"):
        said = [absender.request("GET", path, headers={"Accept-Language": language}, as_operator=True).json["detail"]
                for language in ("de", "en")]
        tap.ok(said[0] != said[1], f"GET {path} in two languages", said)


def check_served(tap, absender):
    served = absender.request("GET", "/v1/openapi.json").json
    tap.equal(served, contract.document, "the program serves this very contract")


def main():
    tap = Tap()
    check_judge(tap)
    with Daemon("--dev") as absender:
        absender.sign_in_first_admin()
        absender.known_cookie, absender.cookie = absender.cookie, None
        check_operations(tap, absender)
        check_languages(tap, absender)
        check_special_refusals(tap, absender)
        check_served(tap, absender)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
