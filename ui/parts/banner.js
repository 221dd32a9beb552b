// Above every page: no connection to the server, sending is off, or the provider refuses the login. Says it in words and links to
// the remedy.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';
import { waitingCount } from './switch.js';

export const ConnectionBanner = ({ lost }) => html`
  <div role="alert">${lost && html`
    <div class="banner bad connection"><${Icon} name="alert" /><p><strong>${t('banner.no_connection')}</strong> ${t('banner.reconnects')}</p></div>`}
  </div>`;

export function Banner({ smtp, onSettings }) {
  if (!smtp) return null;
  const fault = smtp.sending.enabled && smtp.health?.state === 'credential_fault';
  if (smtp.sending.enabled && !fault) return null;
  const waiting = waitingCount(smtp);
  const initial = smtp.sending.reason === 'initial';
  const text = fault ? t('banner.credential_fault') : initial ? t('banner.initial') : t('banner.paused');
  return html`
    <div class=${`banner ${fault ? 'bad' : initial ? 'info' : 'warn'}`} role="region" aria-label=${t('banner.label')}>
      <${Icon} name=${fault ? 'alert' : 'pause'} />
      <p><strong>${text}</strong> ${!initial && !fault && t('switch.warning')} ${waiting > 0 && t('switch.waiting', { n: waiting })}</p>
      ${!onSettings && html`<a href="#/settings/email">${t('banner.link')}</a>`}
    </div>`;
}
