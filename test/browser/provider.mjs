// A provider whose login can be made to fail and to work again, as when somebody changes the password there. TLS from the first
// byte, with the certificate of the daemon's own sandbox, which a daemon in development trusts.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createServer } from 'node:tls';

const listening = (server) => new Promise((resolve, reject) => { server.once('error', reject).listen(0, '127.0.0.1', resolve); });

/** One session: lines in, replies out. state: { password, refusal, senderReply, recipientReply, logins, mails }, shared by all sessions. */
function serve(socket, state) {
  let buffer = '';
  let inBody = false;
  const say = (text) => socket.write(`${text}\r\n`);
  const login = (line) => {
    const [, , given] = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString().split('\0');
    const right = given === state.password;
    state.logins.push(right);
    return right ? '235 2.7.0 Welcome' : state.refusal;
  };
  const answer = (line) => {
    const verb = line.slice(0, 4).toUpperCase();
    if (inBody) {
      if (line !== '.') return;
      inBody = false;
      state.mails += 1;
      say('250 2.0.0 Taken');
    } else if (verb === 'EHLO') say('250-localhost\r\n250-AUTH PLAIN\r\n250 ENHANCEDSTATUSCODES');
    else if (verb === 'AUTH') say(login(line));
    else if (verb === 'MAIL') say(state.senderReply);
    else if (verb === 'RCPT') say(state.recipientReply);
    else if (verb === 'DATA') {
      inBody = true;
      say('354 Go on');
    } else if (verb === 'QUIT') socket.end('221 2.0.0 Bye\r\n');
    else say('250 2.0.0 OK');
  };
  socket.setEncoding('latin1').on('error', () => {}).on('data', (chunk) => {
    const lines = (buffer + chunk).split('\r\n');
    buffer = lines.pop();
    lines.forEach(answer);
  });
  say('220 localhost ESMTP');
}

/** { port, state, trustedBy(data), close() }: trustedBy takes the certificate from the data folder of the daemon that will come. */
export async function startProvider(password) {
  const state = { password, refusal: '535 5.7.8 Authentication failed', senderReply: '250 2.1.0 OK', recipientReply: '250 2.1.5 OK', logins: [], mails: 0 };
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, state);
  });
  server.on('tlsClientError', () => {});
  await listening(server);
  return {
    port: String(server.address().port), state,
    trustedBy: async (data) => server.setSecureContext({
      key: await readFile(join(data, 'sandbox-key.pem')), cert: await readFile(join(data, 'sandbox-chain.pem')),
    }),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
