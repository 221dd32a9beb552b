#!/usr/bin/env node
// ./send.mjs anna@example.org
const email = { to: process.argv[2], subject: "Booking 4711", text: "See you on Friday at 10:00." };
const answer = await fetch(process.env.ABSENDER_URL + "/v1/emails", {
  method: "POST",
  headers: {
    Authorization: `Bearer ${process.env.ABSENDER_TOKEN}`,
    "Content-Type": "application/json",
    "Idempotency-Key": `booking-4711-${process.argv[2]}`,
  },
  body: JSON.stringify(email),
});
const sent = await answer.json();
if (!answer.ok) throw new Error(`${sent.code}: ${sent.detail ?? sent.title}`);
console.log(sent.id, sent.state);
