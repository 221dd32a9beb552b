#!/bin/sh
# ./send.sh anna@example.org
key=${IDEMPOTENCY_KEY:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}
curl --fail-with-body --silent --show-error --retry 5 "$ABSENDER_URL/v1/emails" \
  --header "Authorization: Bearer $ABSENDER_TOKEN" \
  --header "Content-Type: application/json" \
  --header "Idempotency-Key: $key" \
  --data @- <<END
{
  "to": "$1",
  "subject": "Booking 4711",
  "text": "See you on Friday at 10:00."
}
END
