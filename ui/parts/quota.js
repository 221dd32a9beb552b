// What the provider lets through: how much of it is used up, and when there is room again.
import { useEffect } from 'preact/hooks';
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { loadSmtp } from '../store.js';
import { untilText, useNow } from './time.js';

const WINDOWS = ['per_minute', 'per_hour', 'per_day'];
const SETTLE_MS = 500; // what waited begins to go out
const AGAIN_MS = 2000; // the server's clock may be behind ours

/** Nothing tells the page that a window has room again: it is read at that moment, and whenever somebody comes back to look. */
function useFreshQuota(quota) {
  useEffect(() => {
    const read = () => { loadSmtp().catch(() => {}); }; // what is shown stays, and the banner says that nobody answers
    const moments = WINDOWS.map((name) => quota[name]?.free_at).filter(Boolean).map((at) => new Date(at).getTime());
    const wait = Math.max(Math.min(...moments) - Date.now() + SETTLE_MS, AGAIN_MS);
    const timer = moments.length > 0 ? setTimeout(read, wait) : 0;
    addEventListener('focus', read);
    return () => {
      clearTimeout(timer);
      removeEventListener('focus', read);
    };
  }, [quota]);
}

function Window({ name, limit, used, free_at: freeAt, now }) {
  const full = used >= limit;
  const words = t('quota.used', { used, limit });
  return html`
    <li class=${full ? 'full' : ''} data-quota=${name}>
      <p><span>${t(`quota.${name}`)}</span><strong>${words}</strong></p>
      <progress max=${limit} value=${Math.min(used, limit)} aria-label=${`${t(`quota.${name}`)}: ${words}`}></progress>
      ${full && freeAt && html`<p class="hint">${t('quota.free', { when: untilText(freeAt, now), time: moment(freeAt, now) })}</p>`}
    </li>`;
}

function Windows({ quota }) {
  const now = useNow();
  useFreshQuota(quota);
  return html`
    <ul class="quota">${WINDOWS.filter((name) => quota[name]).map((name) => html`
      <${Window} key=${name} name=${name} ...${quota[name]} now=${now} />`)}</ul>`;
}

export const QuotaCard = ({ smtp }) => smtp.sending_with && html`
  <section class="card" aria-labelledby="quota-title">
    <h2 id="quota-title">${t('quota.title')}</h2>
    ${smtp.quota ? html`<${Windows} quota=${smtp.quota} />` : html`<p class="hint">${t('quota.none')}</p>`}
    <p class="hint">${smtp.held_reason === 'quota' ? t('quota.holds') : smtp.quota ? t('quota.waits') : t('quota.where')}</p>
  </section>`;
