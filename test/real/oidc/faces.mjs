// The faces of the authorisation server: the same oidc-provider with the paths and the rules of those whom Absender knows.
import { createHash, randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import * as jose from 'jose';
import Provider, { errors } from 'oidc-provider';

const { InvalidClientAuth } = errors;
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const MOST_BODY = 65536;
const MAIL_SCOPES = ['mail.send', 'https://mail.google.com/', 'https://outlook.office365.com/.default', 'https://outlook.office.com/SMTP.Send'];
const TOKEN_OCTETS = 1875; // 2,500 characters: as long as Microsoft's
const HOUR = 3600;
const MICROSOFT_MOST_SECONDS = 600;
const GOOGLE_MOST_SECONDS = HOUR;

const tidy = (pem) => new X509Certificate(pem);
export const thumbprint = (pem) => createHash('sha256').update(tidy(pem).raw).digest('base64url');
export const jwkOf = (pem) => ({ ...tidy(pem).publicKey.export({ format: 'jwk' }), use: 'sig' });

function configuration(world, routes) {
  const { store, settings } = world;
  const lifetime = () => settings.lifetime;
  return {
    adapter: store.adapter(),
    routes,
    scopes: ['openid', 'offline_access', ...MAIL_SCOPES],
    extraClientMetadata: { properties: ['mailbox', 'certificate_thumbprint'] },
    cookies: { keys: [randomUUID()] },
    pkce: { required: () => true, methods: ['S256'] },
    ttl: {
      AccessToken: lifetime, ClientCredentials: lifetime, AuthorizationCode: 60, DeviceCode: 600, Grant: 14 * 24 * HOUR,
      Interaction: HOUR, RefreshToken: 14 * 24 * HOUR, Session: 24 * HOUR, IdToken: HOUR,
    },
    clientAuthMethods: ['client_secret_post', 'client_secret_basic', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'PS256'] },
    assertJwtClientAuthClaimsAndHeader: async (ctx, claims, header, client) => {
      if (header['x5t#S256'] !== client.certificate_thumbprint) throw new InvalidClientAuth('x5t#S256 is not the thumbprint of the certificate');
      if (claims.exp - (claims.nbf ?? claims.iat) > MICROSOFT_MOST_SECONDS) throw new InvalidClientAuth('an assertion lives ten minutes at most');
    },
    // A refresh token serves once: whoever loses the new one has lost the grant.
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    // Whose mailbox it opens: the person's who signed in, or the one that the application was given.
    extraTokenClaims: async (ctx, token) => ({ username: token.accountId ?? store.clients[token.clientId].mailbox }),
    findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true, allowedPolicy: async (ctx, client) => client.clientId === world.introspector },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: false },
    },
  };
}

/** A face: its access tokens are long, and what was asked of its token endpoint goes into the list. */
function make(world, issuer, routes) {
  const provider = new Provider(issuer, configuration(world, routes));
  for (const { prototype } of [provider.AccessToken, provider.ClientCredentials]) {
    const { generateTokenId } = prototype;
    prototype.generateTokenId = function longTokenId() { return generateTokenId.call(this) + randomBytes(TOKEN_OCTETS).toString('base64url'); };
  }
  provider.on('server_error', (ctx, error) => console.error(error));
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'introspection') world.introspections += 1;
    if (ctx.oidc?.route !== 'token') return;
    const { params = {}, client, authorization } = ctx.oidc;
    world.requests.push({ grant_type: params.grant_type, client_id: client?.clientId ?? authorization.clientId, status: ctx.status, error: ctx.body?.error });
  });
  return provider;
}

export const generic = (world) => make(world, world.issuer).callback();

/** https://login.microsoftonline.com/TENANT/oauth2/v2.0/… */
export function microsoft(world) {
  const mount = `/${world.tenant}`;
  const call = make(world, `https://login.microsoftonline.com${mount}/v2.0`, {
    authorization: '/oauth2/v2.0/authorize', token: '/oauth2/v2.0/token', device_authorization: '/oauth2/v2.0/devicecode', code_verification: '/oauth2/deviceauth',
  }).callback();
  return (request, answer) => {
    if (!request.url.startsWith(`${mount}/`)) {
      send(answer, 400, { error: 'invalid_request', error_description: `AADSTS90002: Tenant '${request.url.split('/')[1]}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.`, error_codes: [90002] });
      return;
    }
    request.originalUrl = request.url;
    request.url = request.url.slice(mount.length);
    call(request, answer);
  };
}

/** https://accounts.google.com/o/oauth2/v2/auth and https://oauth2.googleapis.com/token, which takes a service account's assertion too. */
export function google(world) {
  const provider = make(world, 'https://accounts.google.com', { authorization: '/o/oauth2/v2/auth', token: '/token' });
  const call = provider.callback();
  return async (request, answer) => {
    if (request.method !== 'POST' || request.url !== '/token') {
      call(request, answer);
      return;
    }
    const form = new URLSearchParams(await bodyOf(request));
    if (form.get('grant_type') !== JWT_BEARER) {
      request.body = Object.fromEntries(form); // oidc-provider takes what is read already
      call(request, answer);
      return;
    }
    const [status, said] = await serviceAccount(world, provider, form.get('assertion'));
    world.requests.push({ grant_type: JWT_BEARER, client_id: said.client_id, status, error: said.error });
    send(answer, status, { ...said, client_id: undefined });
  };
}

/** RFC 7523 2.1 as Google has it; judged with jose. */
async function serviceAccount(world, provider, assertion) {
  const refused = (error, error_description) => [error === 'unauthorized_client' ? 401 : 400, { error, error_description }];
  let iss, account, claims;
  try {
    ({ iss } = jose.decodeJwt(assertion));
    account = world.accounts[iss];
    const key = await jose.importSPKI(account.public_key, 'RS256');
    ({ payload: claims } = await jose.jwtVerify(assertion, key, { algorithms: ['RS256'], audience: 'https://oauth2.googleapis.com/token', requiredClaims: ['exp', 'iat', 'scope'] }));
  } catch (error) {
    return refused('invalid_grant', account ? `Invalid JWT Signature. (${error.message})` : 'Invalid grant: account not found');
  }
  if (claims.exp - claims.iat > GOOGLE_MOST_SECONDS) return refused('invalid_grant', "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your 'iat' and 'exp' values in the JWT claim.");
  if (claims.sub !== account.mailbox) return refused('unauthorized_client', 'Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.');
  if (claims.scope !== 'https://mail.google.com/') return refused('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
  const client = await provider.Client.find(account.client_id);
  const token = new provider.ClientCredentials({ client, scope: claims.scope, expiresIn: world.settings.lifetime });
  return [200, { access_token: await token.save(), expires_in: world.settings.lifetime, token_type: 'Bearer', client_id: account.client_id }];
}

export function send(answer, status, body) {
  answer.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  answer.end(JSON.stringify(body));
}

export async function bodyOf(request) {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > MOST_BODY) throw new Error('the body is too long');
  }
  return body;
}
