// What was last and what comes next: the last accepted mail, the last failure, and the next dates to mind.
import { html } from '../html.js';
import { date, t } from '../i18n.js';
import { dayLeft, isDue } from './dates-ahead.js';
import { Remedy } from './diagnosis.js';
import { Icon } from './icon.js';
import { ailing } from './status-bar.js';
import { Time } from './time.js';

function Coming({ entry }) {
  const due = isDue(entry);
  return html`
    <li class=${due ? 'soon' : ''}><${Icon} name=${due ? 'alert' : 'calendar'} />
      <p><time dateTime=${entry.at}><strong>${due ? dayLeft(entry) : date(entry.at)}</strong></time>: ${entry.code === 'token' && `${entry.name}: `}${entry.text}</p></li>`;
}

/** What helps stands in the card on top while that speaks of the same. */
const Failure = ({ failure: { at, diagnosis }, onTop }) => html`
  <li class="failure"><${Icon} name="cross" />
    <div><p>${t('dates.failed')} <strong><${Time} at=${at} /></strong></p>
      ${diagnosis && html`<p>${diagnosis.meaning} ${!onTop && html`<span class="hint">${diagnosis.fix}</span>`}</p>${!onTop && html`<${Remedy} diagnosis=${diagnosis} />`}`}</div></li>`;

export function Dates({ smtp }) {
  const { last_accepted_at: accepted, last_failure: failure, dates = [] } = smtp;
  const ill = ailing(smtp);
  const onTop = Boolean(ill) && (ill.diagnosis ?? failure?.diagnosis)?.id === failure?.diagnosis?.id;
  if (!accepted && !failure && !dates.length) return null;
  return html`
    <section class="card" aria-labelledby="dates-title">
      <h2 id="dates-title">${t('dates.title')}</h2>
      <ul class="dates">
        ${accepted && html`<li class="accepted"><${Icon} name="check" /><p>${t('dates.accepted')} <strong><${Time} at=${accepted} /></strong></p></li>`}
        ${failure && html`<${Failure} failure=${failure} onTop=${onTop} />`}
        ${dates.map((entry) => html`<${Coming} key=${entry.code + entry.name + entry.at} entry=${entry} />`)}
      </ul>
    </section>`;
}
