// Signing in with OAuth2, as the form needs it: which fields there are, which of them a way asks for, what a provider begins with. No
// markup and no words here: those come with parts/oauth-steps.js, once somebody chooses it.

/** What the server shows again, and what it only takes. Both in the order in which they stand on the page. */
export const OAUTH_OPEN = ['provider', 'grant', 'tenant', 'client_id', 'client_secret_ends_at', 'subject', 'token_url', 'authorize_url', 'device_url', 'scope'];
export const OAUTH_GIVEN = ['client_secret', 'certificate', 'private_key', 'service_account_key'];
/** What else the secrets belong to, beside the destination: changed, they have to be given again. */
export const OAUTH_BINDING = ['provider', 'tenant', 'client_id', 'token_url'];

const GIVEN_BY = {
  client_secret: ['client_id', 'client_secret'], certificate: ['client_id', 'certificate', 'private_key'],
  refresh_token: ['client_id', 'refresh_token'], service_account: ['service_account_key'],
};

/** The fields without which this form cannot be checked; refresh_token stands for having signed in. */
export function oauthNeeds({ provider, grant, device_url: device }) {
  const needs = [...(GIVEN_BY[grant] ?? [])];
  if (provider === 'google' && grant === 'refresh_token') needs.push('client_secret');
  if (provider === 'microsoft') needs.push('tenant');
  if (provider === 'generic') needs.push('token_url', 'scope', ...(grant === 'refresh_token' && !device ? ['authorize_url'] : []));
  return needs;
}

/** All fields that mean something for this form: what else is kept in it is not judged. */
export const oauthFields = (form) => [...oauthNeeds(form), 'client_secret_ends_at', 'scope',
  ...(form.grant === 'service_account' ? ['subject'] : []), ...(form.grant === 'refresh_token' ? ['client_secret', 'authorize_url', 'device_url'] : [])];

/** Where a refusal to hand out a token is mended. */
export const fieldOfToken = (grant) => ({ certificate: 'private_key', service_account: 'service_account_key' }[grant] ?? grant);

const FIELD_OF_ACTION = {
  enter_client_id: 'client_id', enter_tenant: 'tenant', enter_scope: 'scope', enter_token_url: 'token_url', use_address_as_username: 'username',
};

/** The field that an action of a diagnosis speaks of; undefined: none, or no single one. */
export function fieldOfAction(code, { grant }) {
  if (code === 'enter_oauth_secret') return grant === 'refresh_token' ? 'client_secret' : fieldOfToken(grant);
  return FIELD_OF_ACTION[code];
}

/** Where a token that was not handed out is mended: undefined if no field is to blame, as with a network that fails. */
export function fieldOfRefusal(actions, form) {
  const codes = actions.map(({ code }) => code);
  if (form.grant === 'refresh_token' && codes.includes('sign_in_again')) return 'refresh_token';
  const there = ['username', ...oauthFields(form)];
  return codes.map((code) => fieldOfAction(code, form)).find((name) => there.includes(name));
}

const OWN_MACHINE = { microsoft: ['localhost'], google: ['localhost', '127.0.0.1', '[::1]'] }; // what may go without TLS

/** True if the provider lets nobody enter this redirect address: it wants https, or an address of one's own machine. */
export function refusesRedirect(provider, address) {
  if (!OWN_MACHINE[provider] || !URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol !== 'https:' && !OWN_MACHINE[provider].includes(hostname);
}

const GRANTS = { microsoft: 'client_secret', google: 'service_account', generic: 'client_secret' }; // what is soonest done

/** What choosing OAuth2 writes into the form. preset: of the provider, if it is a known one; what fits stays. */
export function oauthStart(preset, { provider: before, grant, tenant, token_url, authorize_url, scope }) {
  const known = preset?.oauth ?? {};
  const provider = known.provider ?? (before || 'generic');
  const kept = before === provider ? { grant, tenant, token_url, authorize_url, scope } : { grant: '', tenant: '', token_url: '', authorize_url: '', scope: '' };
  const grants = known.grants ?? [];
  const fits = kept.grant && (!grants.length || grants.includes(kept.grant));
  const first = grants.length && !grants.includes(GRANTS[provider]) ? grants[0] : GRANTS[provider];
  return {
    auth: 'oauth2', provider, grant: fits ? kept.grant : first, tenant: known.tenant ?? kept.tenant,
    token_url: known.token_url ?? kept.token_url, authorize_url: known.authorize_url ?? kept.authorize_url, scope: known.scope ?? kept.scope,
  };
}
