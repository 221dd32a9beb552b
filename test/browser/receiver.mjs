// Somebody's program that webhooks are sent to: HTTPS with a certificate of its own, which keeps what comes and answers as it is told.
import { execFile } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const NAME = 'alarm.example'; // an address in numbers is none for a webhook
const LIFETIME_S = 300; // how far the time of a message may be off

/** Standard Webhooks: what signs a message is the secret's bytes over id, time and body. */
export function isSigned({ headers, body }, secret) {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures } = headers;
  const wanted = createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64')).update(`${id}.${at}.${body}`).digest();
  const isFresh = Math.abs(Date.now() / 1000 - Number(at)) < LIFETIME_S;
  return isFresh && signatures.split(' ').some((one) => {
    const given = Buffer.from(one.replace(/^v1,/, ''), 'base64');
    return one.startsWith('v1,') && given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}

/** A name server that knows one address for every name: this machine's. Answers its address. */
function startNames() {
  const socket = createSocket('udp4');
  socket.on('message', (question, { port, address }) => {
    const end = question.indexOf(0, 12) + 5; // behind the name: type and class (RFC 1035 4.1.2)
    const wantsAddress = question.readUInt16BE(end - 4) === 1;
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.fill(0, 6);
    if (wantsAddress) head.writeUInt16BE(1, 6);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    socket.send(Buffer.concat([head, question.subarray(12, end), ...(wantsAddress ? [answer] : [])]), port, address);
  });
  return new Promise((resolve) => { socket.bind(0, '127.0.0.1', () => resolve(socket)); });
}

/** { url, port, names, certificate, messages: [{ headers, body }], answer: the status it gives, close() }; names: the name server that knows it. */
export async function startReceiver() {
  const folder = await mkdtemp(join(tmpdir(), 'absender-receiver-'));
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((name) => join(folder, name));
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost',
    '-addext', `subjectAltName=DNS:${NAME}`, '-keyout', key, '-out', certificate]);
  const receiver = { messages: [], answer: 204, certificate };
  const server = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      receiver.messages.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(receiver.answer).end();
    });
  });
  const names = await startNames();
  receiver.names = `127.0.0.1:${names.address().port}`;
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  receiver.port = String(server.address().port);
  receiver.url = `https://${NAME}:${receiver.port}/hook`;
  receiver.close = async () => {
    server.closeAllConnections();
    server.close();
    names.close();
    await rm(folder, { recursive: true, force: true });
  };
  return receiver;
}
