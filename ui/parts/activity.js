// The last 24 hours as a small picture: how many recipients were accepted, deferred and refused, hour by hour; and beside it how many wait now.
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.js';
import { html } from '../html.js';
import { clock, number, t } from '../i18n.js';
import { waitingCount } from '../paused.js';
import { useApp } from '../store.js';

const KINDS = ['accepted', 'deferred', 'refused']; // from the bottom up
const REFRESH_AFTER_MS = 1500;
const REFRESH_MS = 5 * 60 * 1000; // an hour begins, and nothing tells of it
const [WIDTH, HEIGHT, BAR, GAP] = [12, 72, 8, 6]; // of one hour, in the picture's own units; before what waits now
const LEAST = 2; // of a part that is not nothing

function useActivity() {
  const [activity, setActivity] = useState(null);
  const { lastEmail, connection } = useApp();
  useEffect(() => {
    const read = () => { api.activity().then(setActivity, () => {}); }; // what is shown stays
    const first = setTimeout(read, activity ? REFRESH_AFTER_MS : 0);
    const timer = setInterval(read, REFRESH_MS);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [lastEmail, connection.count]);
  return activity;
}

/** What waits at this moment: of itself, and because nothing may go out. */
const waitingNow = (smtp) => {
  const held = smtp.waiting.held || 0;
  return { held, waiting: waitingCount(smtp) - held };
};

const sumOf = (hours, kind) => hours.reduce((sum, hour) => sum + hour[kind], 0);

/** The parts of one bar, each on top of the one before. */
function partsOf(hour, most) {
  let top = HEIGHT;
  return KINDS.filter((kind) => hour[kind] > 0).map((kind) => {
    const height = Math.max((hour[kind] / most) * (HEIGHT - KINDS.length * LEAST), LEAST);
    top -= height;
    return { kind, top, height };
  });
}

const countsOf = (hour) => KINDS.filter((kind) => hour[kind] > 0).map((kind) => `${t(`activity.${kind}`)}: ${number(hour[kind])}`).join(', ');

/** The last column is no hour, but what waits now; it may be far more than was ever sent in one, and is as high as the picture then. */
const Picture = ({ hours, now, words }) => {
  const most = Math.max(...hours.map((hour) => KINDS.reduce((sum, kind) => sum + hour[kind], 0)), 1);
  const all = now.held + now.waiting;
  const height = all > 0 ? Math.max(Math.min(all / most, 1) * (HEIGHT - LEAST), LEAST) : 0;
  const left = hours.length * WIDTH + GAP;
  return html`
    <svg class="activity" viewBox=${`0 0 ${left + WIDTH} ${HEIGHT + 1}`} role="img" aria-label=${words}>
      <line x1="0" x2=${hours.length * WIDTH} y1=${HEIGHT + 0.5} y2=${HEIGHT + 0.5} />
      ${hours.map((hour, i) => html`
        <g key=${hour.at}><title>${`${clock(hour.at)} · ${countsOf(hour) || t('activity.none')}`}</title>
          <rect class="hour" x=${i * WIDTH} y="0" width=${WIDTH} height=${HEIGHT} />
          ${partsOf(hour, most).map(({ kind, top, height }) => html`
            <rect key=${kind} class=${kind} x=${i * WIDTH + (WIDTH - BAR) / 2} y=${top} width=${BAR} height=${height} rx="1" />`)}</g>`)}
      <g><title>${t('activity.waiting_now', { n: all })}</title>
        <rect class=${now.held ? 'held' : 'waiting'} x=${left + (WIDTH - BAR) / 2} y=${HEIGHT - height} width=${BAR} height=${height} rx="1" />
        <line x1=${left} x2=${left + WIDTH} y1=${HEIGHT + 0.5} y2=${HEIGHT + 0.5} /></g>
    </svg>`;
};

const Table = ({ hours }) => html`
  <details><summary>${t('activity.table')}</summary>
    <table class="counts">
      <caption class="unseen">${t('activity.title')}</caption>
      <thead><tr><th scope="col">${t('activity.hour')}</th>${KINDS.map((kind) => html`<th scope="col" key=${kind}>${t(`activity.${kind}`)}</th>`)}</tr></thead>
      <tbody>${hours.map((hour) => html`
        <tr key=${hour.at}><th scope="row">${clock(hour.at)}</th>${KINDS.map((kind) => html`<td key=${kind}>${number(hour[kind])}</td>`)}</tr>`)}</tbody>
    </table>
  </details>`;

export function Activity({ smtp }) {
  const activity = useActivity();
  if (!activity) return null;
  const { hours } = activity;
  const sums = Object.fromEntries(KINDS.map((kind) => [kind, sumOf(hours, kind)]));
  const busy = hours.filter((hour) => countsOf(hour));
  const now = waitingNow(smtp);
  return html`
    <section class="card" aria-labelledby="activity-title" data-activity=${KINDS.map((kind) => sums[kind]).join(' ')}>
      <h2 id="activity-title">${t('activity.title')}</h2>
      ${busy.length + now.held + now.waiting === 0 ? html`<p class="hint">${t('activity.none')}</p>` : html`
        <div class="activity-frame"><${Picture} hours=${hours} now=${now} words=${t('activity.summary', { ...sums, waiting: now.waiting + now.held })} />
          <p class="axis" aria-hidden="true"><span>${clock(hours[0].at)}</span><span>${t('activity.now')}</span></p></div>`}
      <ul class="legend">
        ${KINDS.map((kind) => html`<li key=${kind} class=${kind}><strong>${number(sums[kind])}</strong> ${t(`activity.${kind}`)}</li>`)}
        <li class="waiting-now"><a href="#/outbox"><strong>${number(now.waiting)}</strong> ${t('activity.waiting')}</a></li>
        ${now.held > 0 && html`<li class="held-now"><a href="#/outbox?state=held"><strong>${number(now.held)}</strong> ${t('activity.held')}</a></li>`}
      </ul>
      ${busy.length > 0 && html`<${Table} hours=${busy} />`}
    </section>`;
}
