// The fields of a sign-in with OAuth2: what is shown again, and what only goes one way and is then known by its date.
import '../oauth-api.js';
import { html } from '../html.js';
import { date, dateTime, t } from '../i18n.js';
import { refusesRedirect } from '../oauth.js';
import { AreaField } from './area-field.js';
import { Field, PasswordField } from './field.js';
import { CopyLine } from './guide.js';
import { Notice } from './notice.js';

const DAY_MS = 24 * 3600 * 1000;
const SOON_DAYS = 30;
const PLAIN = { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off' };

/** When something comes to its end, and how soon. */
export function Ends({ at }) {
  const days = Math.ceil((new Date(at) - Date.now()) / DAY_MS);
  if (Number.isNaN(days)) return null;
  const words = days > 0 ? t('oauth.ends', { date: date(at), when: t('dates.in_days', { n: days }) }) : t('oauth.ended', { date: date(at) });
  return html`<p class=${days < SOON_DAYS ? 'hint urgent' : 'hint'} data-ends=${days}>${words}</p>`;
}

export const Open = ({ field, name, ...more }) => html`<${Field} ...${field(name, { ...PLAIN, ...more })} />`;

/** Why the field is empty and may stay so, or may not. */
function hintOf(draft, name, hint) {
  const held = draft.oauthHeld[name];
  if (draft.form[name]) return hint;
  if (draft.oauthDropped.includes(name)) return t('oauth.fault.again');
  return held?.set_at ? t('oauth.held', { time: dateTime(held.set_at) }) : hint;
}

/** A secret of one line. */
export function Given({ field, draft, name, hint, ...more }) {
  const held = draft.isHeld(name);
  const input = field(name, { autocomplete: 'off', required: !held, placeholder: held ? '••••••••' : undefined, ...more });
  const dropped = draft.oauthDropped.includes(name);
  return html`<${PasswordField} ...${input} hint=${input.fault && dropped ? undefined : hintOf(draft, name, hint)} urgent=${dropped} />`;
}

/** A file that is pasted. */
export function Pasted({ field, draft, name, hint, ...more }) {
  const { onLeave, ...area } = field(name, { required: !draft.isHeld(name), rows: 4, ...more });
  return html`<${AreaField} ...${area} hint=${hintOf(draft, name, hint)} onBlur=${onLeave} />`;
}

/** The client secret and the day it ends, which only the provider tells. */
export const ClientSecret = ({ field, draft, label, hint, optional }) => html`
  <div class="pair secret-until">
    <${Given} field=${field} draft=${draft} name="client_secret" label=${label ?? t('settings.client_secret')} hint=${hint} ...${optional && { required: false }} />
    <${Field} ...${field('client_secret_ends_at', { type: 'date', optional: true })} />
  </div>
  ${draft.form.client_secret_ends_at ? html`<${Ends} at=${draft.form.client_secret_ends_at} />` : html`<p class="hint">${t('oauth.ends.hint')}</p>`}`;

/** Where the provider sends the browser back, and whether it takes such an address. */
export const RedirectUri = ({ draft: { form }, smtp: { oauth_redirect_uri: address } }) => html`
  <${CopyLine} id="redirect-uri" what=${t('oauth.redirect')} text=${address} />
  ${refusesRedirect(form.provider, address) && html`
    <div data-redirect="refused"><${Notice} tone="warn">${t(`oauth.redirect.${form.provider}`)} <a href="#/organisation">${t('oauth.redirect.change')}</a><//></div>`}`;
