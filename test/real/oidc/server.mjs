// The authorisation server of the tests: oidc-provider over TLS on loopback. node server.mjs SETTINGS.json, as test/real/authserver.py
// writes them. It has three doors: the one that programs and persons use; the one where a mail server asks what a token is worth, which
// stays open while the first is shut; and one without TLS for the test, which tells what was asked and makes trouble to order.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { bodyOf, generic, google, jwkOf, microsoft, send, thumbprint } from './faces.mjs';
import { Store } from './store.mjs';

const LOOPBACK = '127.0.0.1';
const TROUBLE = { unavailable: [503, 'temporarily_unavailable'], busy: [429, 'temporarily_unavailable'], broken: [500, 'server_error'] };

const given = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const clients = Object.fromEntries(given.clients.map(({ certificate, ...client }) => [client.client_id, certificate
  ? { ...client, jwks: { keys: [jwkOf(certificate)] }, certificate_thumbprint: thumbprint(certificate) } : client]));
const world = {
  issuer: given.issuer,
  tenant: given.tenant,
  introspector: given.introspector,
  accounts: given.accounts,
  store: new Store(clients),
  settings: { state: 'up', lifetime: given.lifetime },
  requests: [], // of the token endpoint, oldest first
  introspections: 0,
};

const tls = { cert: readFileSync(given.certificate), key: readFileSync(given.key) };
const faces = { 'login.microsoftonline.com': microsoft(world), 'accounts.google.com': google(world), 'oauth2.googleapis.com': google(world) };
const anyOther = generic(world);

function answerAtDoor(request, answer) {
  const trouble = TROUBLE[world.settings.state];
  if (trouble) {
    world.requests.push({ status: trouble[0], error: trouble[1] });
    send(answer, trouble[0], { error: trouble[1] });
    return;
  }
  const face = faces[(request.headers.host ?? '').split(':')[0]] ?? anyOther;
  face(request, answer);
}

const doors = [{ host: LOOPBACK, port: given.port }, ...(given.known ? [given.known] : [])].map((at) => ({ at, server: https.createServer(tls, answerAtDoor) }));

const open = (server, { host, port }) => new Promise((resolve, reject) => {
  server.once('error', reject);
  server.listen(port, host, resolve);
});

async function turn(state) {
  const isOpen = (name) => name !== 'shut';
  for (const { at, server } of doors) {
    if (isOpen(state) && !server.listening) await open(server, at);
    if (!isOpen(state) && server.listening) {
      server.closeAllConnections();
      await new Promise((resolve) => { server.close(resolve); });
    }
  }
  world.settings.state = state;
}

/** [METHOD, PATH, what it does with the body]; each answers with what it returns. */
const CONTROL = {
  'GET /requests': () => ({ token: world.requests, introspections: world.introspections }),
  'DELETE /requests': () => { world.requests.length = 0; world.introspections = 0; },
  'GET /tokens': () => ({ tokens: world.store.tokens() }),
  'PUT /state': ({ state }) => turn(state),
  'PUT /lifetime': ({ seconds }) => { world.settings.lifetime = seconds; },
  'PUT /secret': ({ client_id, client_secret }) => { clients[client_id] = { ...clients[client_id], client_secret }; },
  'POST /revoke': ({ client_id }) => ({ revoked: world.store.revoke(client_id) }),
};

async function control(request, answer) {
  const act = CONTROL[`${request.method} ${request.url}`];
  if (!act) {
    send(answer, 404, { error: 'not_found' });
    return;
  }
  const body = await bodyOf(request);
  send(answer, 200, (await act(body ? JSON.parse(body) : {})) ?? {});
}

await turn('up');
await open(https.createServer(tls, anyOther), { host: LOOPBACK, port: given.introspection_port });
await open(http.createServer((request, answer) => {
  control(request, answer).catch((error) => send(answer, 500, { error: String(error) }));
}), { host: LOOPBACK, port: given.control_port });
