// What was last and what comes next: the last accepted mail, the last failure, and the next dates to mind.
import { html } from '../html.js';
import { date, t } from '../i18n.js';
import { Remedy } from './diagnosis.js';
import { Icon } from './icon.js';
import { Time } from './time.js';

const DAY_MS = 24 * 3600 * 1000;
const SOON_DAYS = 30;

function Coming({ at, text }) {
  const days = Math.floor((new Date(at) - Date.now()) / DAY_MS);
  const soon = days < SOON_DAYS;
  return html`
    <li class=${soon ? 'soon' : ''}><${Icon} name=${soon ? 'alert' : 'calendar'} />
      <p><time dateTime=${at}><strong>${date(at)}</strong>${soon && days > 0 && ` (${t('dates.in_days', { n: days })})`}</time>: ${text}</p></li>`;
}

const Failure = ({ failure: { at, diagnosis } }) => html`
  <li class="failure"><${Icon} name="cross" />
    <div><p>${t('dates.failed')} <strong><${Time} at=${at} /></strong></p>
      ${diagnosis && html`<p>${diagnosis.meaning} <span class="hint">${diagnosis.fix}</span></p><${Remedy} diagnosis=${diagnosis} />`}</div></li>`;

export function Dates({ smtp }) {
  const { last_accepted_at: accepted, last_failure: failure, dates = [] } = smtp;
  if (!accepted && !failure && !dates.length) return null;
  return html`
    <section class="card" aria-labelledby="dates-title">
      <h2 id="dates-title">${t('dates.title')}</h2>
      <ul class="dates">
        ${accepted && html`<li class="accepted"><${Icon} name="check" /><p>${t('dates.accepted')} <strong><${Time} at=${accepted} /></strong></p></li>`}
        ${failure && html`<${Failure} failure=${failure} />`}
        ${dates.map(({ code, at, text }) => html`<${Coming} key=${code + at} at=${at} text=${text} />`)}
      </ul>
    </section>`;
}
