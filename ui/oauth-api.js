// What signing in with OAuth2 asks of the server; loaded once somebody chooses it, and with it its texts.
import { json } from './api.js';
import { needTexts } from './i18n.js';

await needTexts('oauth');

const AUTHORIZATIONS = '/v1/smtp/oauth/authorizations';
const DEVICES = '/v1/smtp/oauth/devices';

export const oauth = {
  begin: () => json('POST', AUTHORIZATIONS),
  redeem: (body) => json('POST', `${AUTHORIZATIONS}/redeem`, { body }), // { state, code }, { state, error, … } or { address }
  beginOnDevice: () => json('POST', DEVICES),
  pollDevice: (id) => json('POST', `${DEVICES}/${id}/poll`),
};
