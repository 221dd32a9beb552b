// Servers that are wrong in one way each, for the rungs of a check: real ones, so that the diagnosis is the service's own.
import { createServer } from 'node:net';

const GREETING = '220 smtp.example.net ESMTP';
const EHLO = ['250-smtp.example.net', '250 ENHANCEDSTATUSCODES'];

/** What each says: a greeting, an answer to each verb, and what it sends in place of a handshake. */
export const FAULTS = {
  greeting_silent: {}, // takes the connection and never says a word
  greeting_refused: { greeting: '554 5.7.1 No SMTP service here' },
  not_smtp: { greeting: 'HTTP/1.1 302 Found\r\nLocation: https://login.hotspot.example/' },
  no_starttls: { greeting: GREETING, answer: (verb) => (verb === 'EHLO' ? EHLO.join('\r\n') : '250 OK') },
  broken_tls: {
    greeting: GREETING,
    answer: (verb) => (verb === 'EHLO' ? [EHLO[0], '250-STARTTLS', EHLO[1]].join('\r\n') : '220 Go'),
    handshake: 'this is no TLS',
  },
};

function serve(socket, { greeting, answer = () => '221 Bye', handshake }) {
  const say = (words) => socket.write(`${words}\r\n`);
  let buffer = '';
  let isEncrypted = false; // or should be
  socket.on('error', () => {}).setEncoding('latin1').on('data', (chunk) => {
    if (isEncrypted) return say(handshake);
    const lines = (buffer + chunk).split('\r\n');
    buffer = lines.pop();
    for (const verb of greeting ? lines.map((line) => line.split(' ')[0].toUpperCase()) : []) {
      say(answer(verb));
      isEncrypted = verb === 'STARTTLS';
    }
  });
  if (greeting) say(greeting);
}

async function listen(onConnection) {
  const server = createServer(onConnection);
  await new Promise((resolve, reject) => { server.once('error', reject).listen(0, '127.0.0.1', resolve); });
  return server;
}

/** All of them: { ports: { name: port }, close() }; at the port "closed" nobody listens. */
export async function startFaulty() {
  const sockets = new Set(), servers = {};
  for (const [name, fault] of Object.entries(FAULTS)) {
    servers[name] = await listen((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      serve(socket, fault);
    });
  }
  const closed = await listen(() => {});
  const ports = Object.fromEntries(Object.entries({ ...servers, closed }).map(([name, server]) => [name, String(server.address().port)]));
  closed.close();
  return {
    ports,
    close: () => {
      for (const one of Object.values(servers)) one.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
