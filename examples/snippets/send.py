#!/usr/bin/env python3
# ./send.py anna@example.org
import json
import os
import sys
import urllib.request

email = {"to": sys.argv[1], "subject": "Booking 4711", "text": "See you on Friday at 10:00."}
request = urllib.request.Request(
    os.environ["ABSENDER_URL"] + "/v1/emails",
    data=json.dumps(email).encode(),
    headers={
        "Authorization": "Bearer " + os.environ["ABSENDER_TOKEN"],
        "Content-Type": "application/json",
        "Idempotency-Key": "booking-4711-" + sys.argv[1],
    },
)
with urllib.request.urlopen(request, timeout=30) as answer:
    sent = json.load(answer)
print(sent["id"], sent["state"])
