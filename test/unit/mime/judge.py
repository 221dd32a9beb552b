"""Reads every NAME.eml of a folder with Python's email package and compares it with NAME.json.

Prints one line for each difference, then "N mails judged"; test_judge.c wants only the last line.
"""
import email
import hashlib
import json
import pathlib
import re
import sys
from email import policy
from email.errors import NonASCIILocalPartDefect
from email.header import decode_header, make_header
from email.utils import getaddresses

POLICIES = (policy.default, policy.compat32)


def mailboxes(message, legacy, name):
    """[display name, addr-spec] of each address. Python 3.11's current parser keeps the space between
    two encoded words of a phrase (gh-92081), which RFC 2047 6.2 wants dropped; where there are two,
    the names are read with the old parser."""
    if name not in message:
        return []
    found = [[a.display_name or None, a.addr_spec] for a in message[name].addresses]
    if re.search(r"\?=\s+=\?", legacy[name]):
        for mailbox, (display_name, _) in zip(found, getaddresses([legacy[name]])):
            mailbox[0] = str(make_header(decode_header(display_name))) or None
    return found


def defects(message):
    """All defects of the message, of its parts and of every header."""
    for part in message.walk():
        yield from part.defects
        for header in part.values():
            yield from getattr(header, "defects", ())


def body_text(part):
    return part.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")


def attachments(message):
    return [{"name": part.get_filename(),
             "content_id": part["content-id"][1:-1] if part["content-id"] else None,
             "sha256": hashlib.sha256(part.get_payload(decode=True)).hexdigest(),
             "inline": part.get_content_disposition() == "inline",
             "size": len(part.get_payload(decode=True))}
            for part in message.walk() if part.get_content_disposition()]


def bodies(message, content_type):
    return [body_text(part) for part in message.walk()
            if part.get_content_type() == content_type and not part.get_content_disposition()]


def judge(data, expected):
    """Yields (what, found, expected) for each difference."""
    if expected["utf8"]:  # raw UTF-8 in headers: Python reads it only from text
        message, legacy = (email.message_from_string(data.decode("utf-8"), policy=p) for p in POLICIES)
    else:
        message, legacy = (email.message_from_bytes(data, policy=p) for p in POLICIES)
    found = {
        "subject": None if message["subject"] is None else str(message["subject"]),
        "from": mailboxes(message, legacy, "from")[0],
        "to": mailboxes(message, legacy, "to"),
        "cc": mailboxes(message, legacy, "cc"),
        "reply_to": mailboxes(message, legacy, "reply-to"),
        "header_count": len(message.keys()),
        "attachments": attachments(message),
        "defects": [repr(d) for d in defects(message)
                    if not (expected["utf8"] and isinstance(d, NonASCIILocalPartDefect))],
        "text": bodies(message, "text/plain"),
        "html": bodies(message, "text/html"),
        "headers": [[name, str(message[name])] for name, _ in expected["headers"]],
    }
    wanted = {**expected, "defects": []}
    for kind in ("text", "html"):
        wanted[kind] = [] if expected[kind] is None else [expected[kind]]
    for what, value in found.items():
        if value != wanted[what]:
            yield what, value, wanted[what]
    body = message.get_body(("html", "plain"))
    if body is not None and body_text(body) not in (expected["html"], expected["text"]):
        yield "body", body_text(body), expected["html"]


def main(folder):
    count = 0
    for mail in sorted(pathlib.Path(folder).glob("*.eml")):
        expected = json.loads(mail.with_suffix(".json").read_text(encoding="utf-8"))
        for what, found, wanted in judge(mail.read_bytes(), expected):
            print(f"{mail.name}: {what} is {found!r:.300}, not {wanted!r:.300}")
        count += 1
    print(f"{count} mails judged")


if __name__ == "__main__":
    main(sys.argv[1])
