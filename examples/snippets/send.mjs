#!/usr/bin/env node
// ./send.mjs anna@example.org
import { randomUUID } from "node:crypto";

const email = { to: process.argv[2], subject: "Booking 4711", text: "See you on Friday at 10:00." };
const answer = await fetch(process.env.ABSENDER_URL + "/v1/emails", {
  method: "POST",
  headers: {
    Authorization: `Bearer ${process.env.ABSENDER_TOKEN}`,
    "Content-Type": "application/json",
    "Idempotency-Key": process.env.IDEMPOTENCY_KEY || randomUUID(),
  },
  body: JSON.stringify(email),
});
const body = await answer.text();
if (answer.ok) {
  const sent = JSON.parse(body);
  console.log(sent.id, sent.state);
} else {
  console.error(body);
  process.exitCode = 1;
}
