// What to know about the chosen provider: how to sign in there, what it allows, what it has announced, each with its source.
import { html } from '../html.js';
import { date, t } from '../i18n.js';
import { authOf, shortName } from '../preset.js';
import { Icon } from './icon.js';

const Outside = ({ href, children }) => html`
  <a href=${href} target="_blank" rel="noopener noreferrer">${children}<${Icon} name="external" /></a>`;

/** "A > B > C" is a path to click through. */
const path = (text) => text.replaceAll(' > ', ' › ');

/** Beside the password field: which secret belongs there and where it is made. */
export function CredentialHelp({ preset }) {
  const auth = authOf(preset);
  const { where, url } = preset?.password ?? {};
  if (!preset || (auth === 'password' && !where)) return null;
  return html`
    <div class=${`credential ${auth}`} data-auth=${auth}>
      <p class="credential-title"><${Icon} name=${auth === 'oauth2_only' ? 'alert' : 'key'} />
        <span>${t(`credential.${auth}`, { provider: shortName(preset.name) })}</span></p>
      ${where && html`<p>${path(where)}</p>`}
      ${url && html`<p><${Outside} href=${url}>${t(auth === 'app_password' ? 'credential.make' : 'preset.open', { provider: shortName(preset.name) })}<//></p>`}
    </div>`;
}

const Sources = ({ preset }) => preset.sources?.length > 0 && html`
  <details class="source" key=${preset.id}><summary>${t('preset.sources')}</summary>
    <ul>${[...new Set([].concat(preset.sources))].map((source) => html`<li key=${source}>${source}</li>`)}</ul></details>`;

const isAhead = (notice) => new Date(notice.date) > Date.now();

const Notices = ({ title, notices }) => notices?.length > 0 && html`
  <div><h3>${title}</h3><ul class="bullets">${notices.map((notice) => html`
    <li key=${notice.date + notice.text}><strong>${date(notice.date)}</strong> ${notice.text}</li>`)}</ul></div>`;

export const ProviderHelp = ({ preset }) => preset && html`
  <section class="card provider" aria-labelledby="provider-title" data-provider=${preset.id}>
    <h2 id="provider-title">${preset.name}</h2>
    ${preset.hint && html`<p>${preset.hint}</p>`}
    ${preset.sender_rule && html`<div><h3>${t('preset.sender_rule')}</h3><p>${preset.sender_rule}</p></div>`}
    ${preset.limits?.length > 0 && html`
      <div><h3>${t('preset.limits')}</h3><ul class="bullets">${preset.limits.map(({ text }) => html`<li key=${text}>${text}</li>`)}</ul></div>`}
    <${Notices} title=${t('preset.notices')} notices=${preset.notices?.filter(isAhead)} />
    <${Notices} title=${t('preset.changed')} notices=${preset.notices?.filter((notice) => !isAhead(notice))} />
    ${preset.support_url && html`<p><${Outside} href=${preset.support_url}>${t('preset.support')}<//></p>`}
    ${preset.checked && html`<p class="source">${t('preset.checked', { date: date(preset.checked) })}</p>`}
    <${Sources} preset=${preset} />
  </section>`;
