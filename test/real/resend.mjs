// Uses Resend's SDK as an application would, against the address given, and prints what the SDK returns:
// {statement: {data, error}, …}. Judged by test_resend.py.   node resend.mjs BASE_URL TOKEN
import { Resend } from 'resend';

const [baseUrl, token] = process.argv.slice(2);
const from = 'Praxis Müller <noreply@example.test>';
const simple = { from, to: 'anna@example.test', subject: 'simple', text: 'Hallo' };
const bytes = Buffer.from(Array.from({ length: 2000 }, (_, i) => i % 256));
const resend = new Resend(token, { baseUrl });
const answers = {};

// The SDK returns the headers too; the judge needs only what applications look at.
async function note(name, { data, error }) {
  answers[name] = { data, error };
  return data ?? {};
}

const full = await note('everything', await resend.emails.send({
  from,
  to: ['anna@example.test', 'Bernd Böhm <bernd@example.test>'],
  cc: 'carla@example.test',
  bcc: ['dora@example.test'],
  replyTo: 'office@example.test',
  subject: 'Alles 🎉',
  text: 'Grüße\n.\nEnde',
  html: '<p>Grüße <img src="cid:logo"></p>',
  headers: { 'X-Booking': '4711' },
  tags: [{ name: 'category', value: 'confirm_email' }],
  attachments: [
    { filename: 'Übersicht.bin', content: bytes, contentType: 'application/octet-stream' },
    { filename: 'logo.png', content: bytes.toString('base64'), contentType: 'image/png', contentId: 'logo' },
  ],
}));
await note('read', await resend.emails.get(full.id));
await note('listed', await resend.emails.list({ limit: 1 }));

const once = { ...simple, subject: 'once' };
await note('once', await resend.emails.send(once, { idempotencyKey: 'order/4711' }));
await note('once again', await resend.emails.send(once, { idempotencyKey: 'order/4711' }));
await note('once, but other', await resend.emails.send(simple, { idempotencyKey: 'order/4711' }));

const scheduledAt = new Date(Date.now() + 3600_000).toISOString();
const later = await note('scheduled', await resend.emails.send({ ...simple, subject: 'later', scheduledAt }));
await note('scheduled, read', await resend.emails.get(later.id));
await note('cancelled', await resend.emails.cancel(later.id));
await note('cancelled, read', await resend.emails.get(later.id));
await note('cancelled again', await resend.emails.cancel(later.id));

const pair = [
  { ...simple, to: ['emil@example.test'], subject: 'batch one' },
  { ...simple, to: 'frida@example.test', subject: 'batch two', attachments: [{ filename: 'a.bin', content: bytes }] },
];
await note('batch', await resend.batch.send(pair, { idempotencyKey: 'batch/4711' }));
await note('batch again', await resend.batch.send(pair, { idempotencyKey: 'batch/4711' }));
await note('batch with a fault', await resend.batch.send([{ ...simple, subject: 'never' }, { ...simple, to: 'anna' }]));
await note('empty batch', await resend.batch.send([]));

process.env.RESEND_BASE_URL = baseUrl;
process.env.RESEND_API_KEY = token;
await note('by environment', await new Resend().emails.send({ ...simple, subject: 'by environment' }));

const stranger = new Resend('re_123456789', { baseUrl });
await note('wrong key', await stranger.emails.send(simple));
await note('wrong key, large mail', await stranger.emails.send({ ...simple, text: 'x'.repeat(4_000_000) }));
await note('invalid to', await resend.emails.send({ ...simple, to: 'anna' }));
await note('no to', await resend.emails.send({ ...simple, to: undefined }));
await note('two faults', await resend.emails.send({ ...simple, to: 'anna', headers: { 'X-A': 'a\r\nBcc: eve@example.test' } }));
await note('remote attachment', await resend.emails.send({ ...simple, attachments: [{ filename: 'a', path: 'https://example.test/a' }] }));
await note('other sender', await resend.emails.send({ ...simple, from: 'boss@example.test' }));
await note('unknown email', await resend.emails.get('49a3999c-0ce1-4ea6-ab68-afcd6dc2e794'));

console.log(JSON.stringify({ ...answers, scheduledAt, bytes: bytes.toString('base64') }));
