// What a webhook was told: each event, how often it was tried, what the receiver answered; and once more, if somebody wants.
import { useEffect, useState } from 'preact/hooks';
import { admin } from '../admin-api.js';
import { errorText } from '../api.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { announce } from '../store.js';
import { Icon } from './icon.js';
import { Problem } from './notice.js';
import { Pager, usePages } from './paged-list.js';
import { Time } from './time.js';
import { eventText } from './webhook-form.js';

const REFRESH_MS = 2000;
const LOOKS = { waiting: ['warn', 'clock'], delivered: ['good', 'check'], given_up: ['bad', 'cross'] };

const State = ({ state }) => {
  const [tone, icon] = LOOKS[state] ?? ['plain', 'dash'];
  return html`<span class=${`badge ${tone}`}><${Icon} name=${icon} />${t(`hook.state.${state}`)}</span>`;
};

/** "Antwort 503" or our own words for what went wrong; and when it is tried again. */
const Result = ({ delivery: { status, error, next_at: next, state } }) => html`
  ${error ?? (status ? t('hook.status', { status: String(status) }) : '')}
  ${state === 'waiting' && next && html` <span class="hint">${t('hook.next')} <${Time} at=${next} ahead /></span>`}`;

function Row({ delivery, onReplay }) {
  const words = eventText(delivery.type);
  return html`
    <tr data-delivery=${delivery.event_id} data-state=${delivery.state}>
      <td class="cell-state"><${State} state=${delivery.state} /></td>
      <td class="cell-main"><strong>${words}</strong> <code class="hint">${delivery.type}</code></td>
      <td class="cell-result"><${Result} delivery=${delivery} /></td>
      <td class="cell-size">${t('hook.attempts', { n: delivery.attempts })}</td>
      <td class="cell-time"><${Time} at=${delivery.updated_at} near /></td>
      <td class="cell-do">${delivery.state !== 'waiting' && html`
        <button type="button" class="small" aria-label=${t('hook.replay_what', { event: words })} onClick=${onReplay}>${t('hook.replay')}</button>`}</td>
    </tr>`;
}

/** Counts every other second while somebody looks. */
export function useTick() {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) setTick((n) => n + 1); }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return tick;
}

/** A delivery is known by its event. */
async function load(id, query) {
  const page = await admin.deliveries(id, query);
  return { ...page, data: page.data.map((one) => ({ id: one.event_id, ...one })) };
}

/** fresh: changes when they are to be read again. */
export function Deliveries({ id, fresh }) {
  const pages = usePages((query) => load(id, query), id, fresh);
  const [problem, setProblem] = useState('');
  const replay = async ({ event_id: eventId, type }) => {
    setProblem('');
    try {
      await admin.replay(id, eventId);
      announce(t('hook.replayed', { event: eventText(type) }));
      pages.retry();
    } catch (error) {
      setProblem(errorText(error));
    }
  };
  return html`
    <section aria-labelledby="deliveries-title" class="below">
      <h2 id="deliveries-title">${t('hook.deliveries')}</h2>
      <${Problem} text=${problem || pages.problem} onRetry=${pages.retry} />
      ${!pages.items && html`<p class="loading">${t('loading')}</p>`}
      ${pages.items?.length === 0 && !pages.problem && html`<div class="card empty"><${Icon} name="bell" /><p>${t('hook.deliveries.none')}</p></div>`}
      ${pages.items?.length > 0 && html`
        <div class="card table-card"><table class="list">
          <caption class="unseen">${t('hook.deliveries')}</caption>
          <thead><tr><th scope="col" class="cell-state">${t('outbox.state')}</th><th scope="col">${t('hook.event')}</th><th scope="col" class="cell-to">${t('hook.result')}</th>
            <th scope="col" class="cell-size">${t('hook.tries')}</th><th scope="col" class="cell-time">${t('hook.when')}</th><td class="cell-do"></td></tr></thead>
          <tbody>${pages.items.map((one) => html`<${Row} key=${one.event_id} delivery=${one} onReplay=${() => replay(one)} />`)}</tbody>
        </table></div>`}
      <${Pager} pages=${pages} />
    </section>`;
}
