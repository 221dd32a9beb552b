// Above every page: no connection to the server, the provider refuses the login, or sending is off. Says it in words and links
// to the remedy.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { pausedText, waitingCount } from '../paused.js';
import { Icon } from './icon.js';
import { untilText, useNow } from './time.js';

export const ConnectionBanner = ({ lost }) => html`
  <div role="alert">${lost && html`
    <div class="banner bad connection"><${Icon} name="alert" /><p><strong>${t('banner.no_connection')}</strong> ${t('banner.reconnects')}</p></div>`}
  </div>`;

/** Where the password stands. Whoever is there already only needs the focus. */
const CREDENTIALS = '#/settings/email/password';
const toCredentials = (event) => {
  const field = document.getElementById('password');
  if (!field?.offsetParent) return; // not there, or folded away: the link leads to it
  event.preventDefault();
  field.focus();
};

function nextTry({ breaker, sending }, now) {
  if (!breaker.tries_left) return t('breaker.no_try');
  const when = { when: untilText(breaker.next_try_at, now), time: moment(breaker.next_try_at, now) };
  return t(sending.enabled ? 'breaker.next_try' : 'breaker.next_try_if_on', when);
}

/** On a narrow screen only the first sentence stands there, and a button for the rest. */
function Narrow({ tone, icon, label, title, tries, more, link }) {
  const [open, setOpen] = useState(false);
  return html`
    <div class=${`banner ${tone} ${open ? 'open' : ''}`} role="region" aria-label=${label} data-tries=${tries}>
      <${Icon} name=${icon} />
      <div><p><strong>${title}</strong> <span class="more">${more[0]}</span></p>
        ${more.slice(1).filter(Boolean).map((words, i) => html`<p class="more" key=${i}>${words}</p>`)}</div>
      ${more.some(Boolean) && html`<button type="button" class="ghost unfold" aria-expanded=${open ? 'true' : 'false'} onClick=${() => setOpen(!open)}>${t(open ? 'banner.less' : 'banner.more')}</button>`}
      ${link}
    </div>`;
}

/** A refused login is shown until a check has passed: what happened, that nothing is lost, what happens next, what to do. */
function BreakerBanner({ smtp }) {
  const now = useNow();
  const { breaker } = smtp;
  const waiting = waitingCount(smtp);
  return html`
    <${Narrow} tone="bad breaker" icon="alert" label=${t('breaker.label')} tries=${breaker.tries_left} title=${t('breaker.title')}
      more=${[breaker.diagnosis?.meaning, [t('breaker.held'), waiting > 0 && t('switch.waiting', { n: waiting })].filter(Boolean).join(' '),
        `${nextTry(smtp, now)} ${t('breaker.lockout')}`]}
      link=${html`<a class="button" href=${CREDENTIALS} onClick=${toCredentials}>${t('breaker.check')}</a>`} />`;
}

function PauseBanner({ smtp, onSettings }) {
  const waiting = smtp.breaker ? 0 : waitingCount(smtp); // said once
  const initial = smtp.sending.reason === 'initial';
  const more = [!initial && pausedText(smtp.sending), !initial && t('switch.warning'), waiting > 0 && t('switch.waiting', { n: waiting })];
  return html`
    <${Narrow} tone=${initial ? 'info' : 'warn'} icon="pause" label=${t('banner.label')} title=${initial ? t('banner.initial') : t('banner.paused')}
      more=${[more.filter(Boolean).join(' ')]} link=${!onSettings && html`<a href="#/settings/email">${t('banner.link')}</a>`} />`;
}

export const Banners = ({ smtp, onSettings }) => smtp && html`
  ${smtp.breaker && html`<${BreakerBanner} smtp=${smtp} />`}
  ${!smtp.sending.enabled && html`<${PauseBanner} smtp=${smtp} onSettings=${onSettings} />`}`;
