// Above every page: no connection to the server, the provider refuses the login, or sending is off. Says it in words and links
// to the remedy.
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { Icon } from './icon.js';
import { pausedText, waitingCount } from './switch.js';
import { untilText, useNow } from './time.js';

export const ConnectionBanner = ({ lost }) => html`
  <div role="alert">${lost && html`
    <div class="banner bad connection"><${Icon} name="alert" /><p><strong>${t('banner.no_connection')}</strong> ${t('banner.reconnects')}</p></div>`}
  </div>`;

/** Where the password stands. Whoever is there already only needs the focus. */
const CREDENTIALS = '#/settings/email/password';
const toCredentials = (event) => {
  const field = document.getElementById('password');
  if (!field) return;
  event.preventDefault();
  field.focus();
};

function nextTry({ breaker, sending }, now) {
  if (!breaker.tries_left) return t('breaker.no_try');
  if (!sending.enabled) return t('breaker.try_when_on');
  return breaker.next_try_at ? t('breaker.next_try', { when: untilText(breaker.next_try_at, now), time: moment(breaker.next_try_at, now) }) : '';
}

/** A refused login is shown until a check has passed: what happened, that nothing is lost, what happens next, what to do. */
function BreakerBanner({ smtp }) {
  const now = useNow();
  const { breaker } = smtp;
  const waiting = waitingCount(smtp);
  return html`
    <div class="banner bad breaker" role="region" aria-label=${t('breaker.label')} data-tries=${breaker.tries_left}>
      <${Icon} name="alert" />
      <div>
        <p><strong>${t('breaker.title')}</strong> ${breaker.diagnosis?.meaning}</p>
        <p>${t('breaker.held')} ${waiting > 0 && t('switch.waiting', { n: waiting })}</p>
        <p>${nextTry(smtp, now)} ${t('breaker.lockout')}</p>
      </div>
      <a class="button" href=${CREDENTIALS} onClick=${toCredentials}>${t('breaker.check')}</a>
    </div>`;
}

function PauseBanner({ smtp, onSettings }) {
  const waiting = smtp.breaker ? 0 : waitingCount(smtp); // said once
  const initial = smtp.sending.reason === 'initial';
  return html`
    <div class=${`banner ${initial ? 'info' : 'warn'}`} role="region" aria-label=${t('banner.label')}>
      <${Icon} name="pause" />
      <p><strong>${initial ? t('banner.initial') : t('banner.paused')}</strong> ${!initial && pausedText(smtp.sending)}
        ${' '}${!initial && t('switch.warning')} ${waiting > 0 && t('switch.waiting', { n: waiting })}</p>
      ${!onSettings && html`<a href="#/settings/email">${t('banner.link')}</a>`}
    </div>`;
}

export const Banners = ({ smtp, onSettings }) => smtp && html`
  ${smtp.breaker && html`<${BreakerBanner} smtp=${smtp} />`}
  ${!smtp.sending.enabled && html`<${PauseBanner} smtp=${smtp} onSettings=${onSettings} />`}`;
