#!/usr/bin/env python3
# ./send.py anna@example.org
import json
import os
import sys
import urllib.error
import urllib.request
import uuid

email = {"to": sys.argv[1], "subject": "Booking 4711", "text": "See you on Friday at 10:00."}
headers = {
    "Authorization": "Bearer " + os.environ["ABSENDER_TOKEN"],
    "Content-Type": "application/json",
    "Idempotency-Key": os.environ.get("IDEMPOTENCY_KEY") or str(uuid.uuid4()),
}
request = urllib.request.Request(os.environ["ABSENDER_URL"] + "/v1/emails", json.dumps(email).encode(), headers)
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        sent = json.load(answer)
except urllib.error.HTTPError as refusal:
    sys.exit(refusal.read().decode())
print(sent["id"], sent["state"])
