// What ends soon, or has ended: above the settings until somebody has seen to it. Each reminder (30, 7, 1 days ahead) raises the tone.
import { html } from '../html.js';
import { date, t } from '../i18n.js';
import { Notice } from './notice.js';

const TONES = { 30: 'info', 7: 'warn', 1: 'bad', 0: 'bad' };

/** "31.12.2026 (noch 12 Tage)" */
export const dayLeft = ({ at, days_left: days, reminder }) => {
  const left = reminder === 0 ? t('ahead.over') : days > 0 ? t('dates.in_days', { n: days }) : t('ahead.within_a_day');
  return `${date(at)} (${left})`;
};

export const isDue = ({ reminder }) => reminder !== null;

/** An old password is advice: nothing ends. */
const toneOf = ({ code, reminder }) => (code === 'app_password' ? 'info' : TONES[reminder]);

const Reminder = ({ entry }) => html`
  <${Notice} tone=${toneOf(entry)}>
    <p><strong><time dateTime=${entry.at}>${dayLeft(entry)}</time></strong>${' '}${entry.name}: ${entry.text}${' '}
      ${entry.code === 'token' ? html`<a href="#/applications">${t('ahead.to.token')}</a>` : html`<a href="#/settings/email/edit">${t('ahead.to.settings')}</a>`}</p>
  <//>`;

export function DatesAhead({ smtp }) {
  const due = (smtp.dates ?? []).filter(isDue);
  return due.length > 0 && html`
    <div class="ahead" role="region" aria-label=${t('ahead.label')}>
      ${due.map((entry) => html`<${Reminder} key=${entry.code + entry.name + entry.at} entry=${entry} />`)}
    </div>`;
}
