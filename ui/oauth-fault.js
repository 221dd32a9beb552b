// What is wrong with what was typed for OAuth2, before the server is asked: mostly that one thing was copied where another belongs.
import './oauth-api.js';
import { t } from './i18n.js';

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TENANT = /^([0-9a-f-]{36}|common|organizations|consumers|[a-z0-9-]+(\.[a-z0-9-]+)+)$/i;
const ADDRESSES = ['token_url', 'authorize_url', 'device_url'];
const KEY = /-----BEGIN (RSA |EC )?PRIVATE KEY-----/;

export const isGuid = (text) => GUID.test(text);

const isAddress = (text) => URL.canParse(text) && new URL(text).protocol === 'https:';

/** The key file of a service account as an object, or null. */
export function serviceAccountOf(text) {
  try {
    const file = JSON.parse(text);
    return file && typeof file === 'object' ? file : null;
  } catch {
    return null;
  }
}

function faultOfFile(text) {
  const file = serviceAccountOf(text);
  if (file?.web || file?.installed) return t('oauth.fault.client_file');
  return file?.type === 'service_account' && file.private_key ? '' : t('oauth.fault.service_account');
}

function faultOfKey(text) {
  if (/ENCRYPTED/.test(text)) return t('oauth.fault.encrypted_key');
  return KEY.test(text) ? '' : t('oauth.fault.private_key');
}

function faultOfCertificate(text) {
  if (text.includes('-----BEGIN CERTIFICATE-----')) return '';
  return t(KEY.test(text) ? 'oauth.fault.swapped' : 'oauth.fault.certificate');
}

const JUDGES = {
  tenant: (text) => (TENANT.test(text) ? '' : t('oauth.fault.tenant')),
  client_id: (text, { provider }) => (provider !== 'microsoft' || isGuid(text) ? '' : t('oauth.fault.guid')),
  client_secret: (text, { provider }) => (provider === 'microsoft' && isGuid(text) ? t('oauth.fault.secret_id') : ''),
  certificate: faultOfCertificate,
  private_key: faultOfKey,
  service_account_key: faultOfFile,
};

/** What a field that is empty lacks, if anything: the server may have it already. */
function faultOfNothing(draft, name, needed) {
  if (!needed || draft.isHeld(name)) return '';
  const dropped = draft.oauthDropped.includes(name);
  if (name === 'refresh_token') return t(dropped ? 'oauth.fault.sign_in_again' : 'oauth.fault.sign_in');
  return dropped ? t('oauth.fault.again') : t('fault.required');
}

/** What is wrong with one field of a DraftForm, in words, or ''. */
export function oauthFaultOf(draft, name, needed) {
  const text = draft.form[name].trim();
  if (!text) return faultOfNothing(draft, name, needed);
  if (ADDRESSES.includes(name)) return isAddress(text) ? '' : t('oauth.fault.url');
  return JUDGES[name]?.(text, draft.form) ?? '';
}
