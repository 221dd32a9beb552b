#!/usr/bin/env python3
"""The domain check and the header check through the API and a real DNS server: what is wrong is said, what is proposed is entered
and then found to be right, and what headers teach is used by the next check. TAP."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from dnsserver import DnsServer  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402

KEY = ("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtUBPJLn4iW2eTxZmH44DqUAaLtFle1p5rCuhjj4vQnmOAs/1uclqeg"
       "QfUCRKtRFy6YH9wWQ0IDOj+cR7qxbGUqxvlPvPCBlJWciyYofkd9mVRj55LSeOcmEQ2UvIqg6VRobdx/CpkWuBkXrTNx0KstEQ"
       "Y61ottp1/sfdnuNjskYyNEkCs5g1g7h/2xbna5ZC+zJLZ9u8Fo8RsP6IiGuxxC4dFUFLlr69USZ/AkyHkfupjriNHMqTOGW/kp"
       "lR/sB7EbyDOi0Li707ZwRMazYKytPVbARN2bxqbyI62v4kelrpX6H400Orh+AjWWeIjqOXeMJePFA7gqbOFuN4hBMkiwIDAQAB")
DKIM = f'"v=DKIM1; k=rsa; p={KEY[:200]}" "{KEY[200:]}"'  # longer than one string of a TXT record
PROVIDER = [
    '_spf-eu.ionos.com. TXT "v=spf1 ip4:212.227.126.128/25 ?all"',
    f"s1.dkim.ionos.com. TXT {DKIM}",
    'smtp.rzone.de. TXT "v=spf1 ip4:81.169.146.128/25 -all"',
]
# A domain, its records, the preset; verdicts of SPF, DKIM, DMARC.
DOMAINS = [
    ("none.example", ["none.example. A 192.0.2.1"], "ionos", ("missing", "missing", "missing")),
    ("absent.example", ['absent.example. TXT "v=spf1 a ~all"', "absent.example. A 192.0.2.1",
                        '_dmarc.absent.example. TXT "v=DMARC1; p=reject; rua=mailto:d@absent.example"'],
     "ionos", ("wrong", "missing", "wrong")),
    ("several.example", ['several.example. TXT "v=spf1 ip4:192.0.2.1 -all"', 'several.example. TXT "v=spf1 ip4:192.0.2.2 ~all"',
                         's1-ionos._domainkey.several.example. TXT "v=DKIM1; p="',
                         '_dmarc.several.example. TXT "v=DMARC1; p=none"', '_dmarc.several.example. TXT "v=DMARC1; p=reject"'],
     "ionos", ("wrong", "wrong", "wrong")),
    ("redirect.example", ["redirect.example. A 192.0.2.1"], "strato", ("missing", "missing", "missing")),
    ("dead.example", ['dead.example. TXT "v=spf1 include:_spf.kasserver.com -all"', '_dmarc.dead.example. TXT "v=dmarc1; p=none"'],
     "ionos", ("wrong", "missing", "wrong")),
]
HEADERS = """Delivered-To: anna@receiver.example
Received: from mout.kundenserver.de (mout.kundenserver.de. [{ip}])
        by mx.receiver.example with ESMTPS id x1 for <anna@receiver.example>;
        Sun, 22 Nov 2026 04:00:12 -0800 (PST)
Authentication-Results: mx.receiver.example;
       dkim=pass header.i=@{domain} header.s=own-2026;
       spf=pass smtp.mailfrom=noreply@{domain}; dmarc=pass header.from={domain}
Received: from app ([198.51.100.77]) by mrelayeu.kundenserver.de with ESMTPA; Sun, 22 Nov 2026 13:00:07 +0100
From: Firma <noreply@{domain}>
Subject: Test
"""

tap = Tap()


def check(absender, domain, preset=None, language="de"):
    body = {"domain": domain} if preset is None else {"domain": domain, "preset": preset}
    answer = absender.operator("POST", "/v1/domain-checks", body, headers={"Accept-Language": language})
    assert answer.status == 200, answer
    return answer.json


def parts(found):
    return tuple(found[part]["verdict"] for part in ("spf", "dkim", "dmarc"))


def as_text(value):
    return " ".join(f'"{value[i:i + 200]}"' for i in range(0, len(value), 200))


def entered(records, proposals):
    """The zone after a person has done what the page says: each proposal in place of what was there."""
    for proposal in proposals:
        version = {"TXT": '"v=' + proposal["value"][2:6].lower(), "CNAME": ""}[proposal["type"]]
        records = [record for record in records if not (record.startswith(proposal["name"] + ". ") and version in record.lower())]
        value = proposal["value"] + "." if proposal["type"] == "CNAME" else as_text(proposal["value"])
        records.append(f"{proposal['name']}. {proposal['type']} {value}")
    return records


def check_proposals(absender, dns, zone):
    mended = list(PROVIDER)
    for domain, records, preset, verdicts in DOMAINS:
        found = check(absender, domain, preset)
        tap.equal(parts(found), verdicts, f"{domain}: SPF, DKIM, DMARC")
        proposals = [found[part]["proposal"] for part in ("spf", "dkim", "dmarc") if found[part]["proposal"]]
        tap.ok(found["spf"]["proposal"], f"{domain}: SPF can be mended", found["spf"])
        mended += entered(records, proposals)
    dns.replace(mended)
    for domain, _, preset, _ in DOMAINS:
        found = check(absender, domain, preset)
        tap.equal(found["spf"]["verdict"], "good", f"{domain}: SPF is good after what was proposed was entered")
        tap.equal(found["dmarc"]["verdict"], "good", f"{domain}: and DMARC")
        if preset == "ionos":  # of the other's DKIM records the targets are not there
            tap.equal(found["dkim"]["verdict"], "good", f"{domain}: and DKIM")
        tap.equal([found[part]["proposal"] for part in ("spf", "dmarc")], [None, None], f"{domain}: nothing more is proposed")
    dns.replace(zone)


def check_unresolved(absender, dns, zone):
    """The provider's own record is not there: then nothing is built upon it."""
    dns.replace([record for record in zone if not record.startswith("_spf-eu.ionos.com.")])
    for domain in ("none.example", "absent.example", "several.example"):
        tap.equal(check(absender, domain, "ionos")["spf"]["proposal"], None, f"{domain}: an include that does not resolve is not proposed")
    dns.replace(zone)


def check_learning(absender):
    before = check(absender, "taught.example", "allinkl")
    tap.equal(before["dkim"]["verdict"], "unknown", "a provider whose selectors nobody knows: DKIM is unknown")
    answer = absender.operator("POST", "/v1/header-checks", {"headers": HEADERS.format(domain="taught.example", ip="212.227.126.130")})
    tap.equal(answer.status, 200, "headers are read")
    found = answer.json
    tap.equal([found[key] for key in ("from_domain", "received_by", "sent_from", "delay_s")],
              ["taught.example", "mx.receiver.example", "212.227.126.130", 5], "who, where, from where, how long")
    tap.equal(found["learned"], {"selectors": ["own-2026"], "addresses": ["212.227.126.130"]}, "they teach a selector and an address")
    after = check(absender, "taught.example", "allinkl")
    tap.equal((after["dkim"]["verdict"], after["dkim"]["selectors"][0]["selector"]), ("good", "own-2026"), "the next check knows the selector")
    tap.equal(after["spf"]["verdict"], "good", "and judges SPF by the address")
    absender.stop()
    absender.start()
    tap.equal(check(absender, "taught.example", "allinkl")["dkim"]["verdict"], "good", "so it does after a restart")


def check_refusals(absender):
    for name, path, body, code in (
            ("no domain", "/v1/domain-checks", {}, "required"),
            ("an address", "/v1/domain-checks", {"domain": "192.0.2.1"}, "invalid_domain"),
            ("a bare word", "/v1/domain-checks", {"domain": "localhost"}, "invalid_domain"),
            ("a line break", "/v1/domain-checks", {"domain": "a.example\r\n"}, "invalid_domain"),
            ("a preset nobody knows", "/v1/domain-checks", {"domain": "a.example", "preset": "nobody"}, "unknown_value"),
            ("a letter", "/v1/header-checks", {"headers": "Hello,\nhow are you?"}, "invalid_headers"),
            ("65 KiB", "/v1/header-checks", {"headers": "From: a@b.example\n" * 4000}, "too_long")):
        answer = absender.operator("POST", path, body)
        tap.equal((answer.status, answer.json["errors"][0]["code"]), (422, code), f"refused: {name}")


def check_languages(absender):
    german, english = (check(absender, "none.example", "ionos", language)["spf"]["text"] for language in ("de", "en"))
    tap.ok("keinen SPF-Eintrag" in german and "no SPF record" in english, "the sentences follow Accept-Language", (german, english))


def main():
    zone = PROVIDER + [record for _, records, _, _ in DOMAINS for record in records] + [
        f"own-2026._domainkey.taught.example. TXT {DKIM}", 'taught.example. TXT "v=spf1 ip4:212.227.126.0/24 -all"']
    with DnsServer(zone) as dns:
        with Daemon("--dev", "--dns-server", dns.address) as absender:
            check_proposals(absender, dns, zone)
            check_unresolved(absender, dns, zone)
            check_learning(absender)
            check_refusals(absender)
            check_languages(absender)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
