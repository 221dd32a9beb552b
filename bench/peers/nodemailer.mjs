// nodemailer with its connection pool, as an application uses it: no queue, nothing durable.
// Usage: nodemailer.mjs '{"port", "ca", "user", "password", "connections", "mails", "text" or "attachment" (octets)}'
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import process from "node:process";

const options = JSON.parse(process.argv[2]);
const nodemailer = createRequire(`${options.modules}/`)("nodemailer");
const transport = nodemailer.createTransport({
  pool: true, maxConnections: options.connections, maxMessages: Infinity,
  host: "127.0.0.1", port: options.port, secure: true, name: "bench.example.test",
  auth: { user: options.user, pass: options.password },
  tls: { ca: readFileSync(options.ca), servername: "localhost" },
});
const content = options.attachment ?
  { text: "Anbei.", attachments: [{ filename: "a.bin", content: Buffer.alloc(options.attachment, "absender") }] } :
  { text: options.text };

let next = 1, failed = 0;
async function send() {
  while (next <= options.mails) {
    const id = String(next++);
    try {
      await transport.sendMail({ from: options.user, to: "anna@example.test", subject: "Buchung", headers: { "X-Bench-Id": id }, ...content });
    } catch (error) {
      failed++;
      if (failed === 1) console.error(error.message);
    }
  }
}
const before = process.cpuUsage();
await Promise.all(Array.from({ length: options.connections * 4 }, send));
const used = process.cpuUsage(before);
transport.close();
console.log(JSON.stringify({ failed, cpu_seconds: (used.user + used.system) / 1e6 }));
