#!/bin/sh
# ./send.sh anna@example.org
curl --fail-with-body --silent --show-error --retry 5 "$ABSENDER_URL/v1/emails" \
  --header "Authorization: Bearer $ABSENDER_TOKEN" \
  --header "Content-Type: application/json" \
  --header "Idempotency-Key: booking-4711-$1" \
  --data @- <<END
{
  "to": "$1",
  "subject": "Booking 4711",
  "text": "See you on Friday at 10:00."
}
END
