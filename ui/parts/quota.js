// What the provider lets through: how much of it is used up, when there is room again, and what its provider is known to allow.
import { useEffect, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { list, moment, number, t } from '../i18n.js';
import { announce, loadSmtp } from '../store.js';
import { Notice } from './notice.js';
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

/** More than the limit is used when it was lowered later, or when what was sent before it was set counts. */
function Window({ name, limit, used, free_at: freeAt, now }) {
  const full = used >= limit;
  const words = t(used > limit ? 'quota.over' : 'quota.used', { used, limit });
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

/** "30 pro Minute und 3 Verbindungen zugleich", and in brackets whom that is for, if not for all. */
const figuresOf = (quota) => list([...WINDOWS, 'max_connections'].filter((name) => quota[name]).map((name) => t(`quota.figure.${name}`, { n: quota[name] })))
  + (quota.note ? ` (${quota.note})` : '');

/** Nothing is set by itself: the provider's known figures are offered. */
function Proposal({ smtp, onChanged }) {
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const { quota_proposal: proposal } = smtp;
  const take = async () => {
    setBusy(true);
    setProblem('');
    try {
      const quota = Object.fromEntries(WINDOWS.filter((name) => proposal[name]).map((name) => [name, proposal[name]]));
      const { max_connections } = proposal;
      const { draft } = await api.saveDraft({ quota, ...(max_connections && { max_connections }) }, smtp.revision);
      announce(t(draft ? 'quota.in_draft' : 'quota.taken'));
      await (onChanged ?? loadSmtp)();
    } catch (error) {
      setProblem(errorText(error));
    }
    setBusy(false);
  };
  return html`
    <${Notice}><p>${t(proposal.is_sourced === false ? 'quota.proposal.ours' : 'quota.proposal', { name: proposal.name, figures: figuresOf(proposal) })}</p>
      <button type="button" class="small" disabled=${busy} onClick=${take}>${t('quota.take')}</button><//>
    ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}`;
}

export const QuotaCard = ({ smtp, onChanged }) => smtp.sending_with && html`
  <section class="card" aria-labelledby="quota-title">
    <h2 id="quota-title">${t('quota.title')}</h2>
    ${smtp.quota ? html`<${Windows} quota=${smtp.quota} />` : html`<p class="hint">${t('quota.none')}</p>`}
    ${smtp.quota_proposal && html`<${Proposal} smtp=${smtp} onChanged=${onChanged} />`}
    <p class="hint">${smtp.held_reason === 'quota' ? t('quota.holds') : smtp.quota ? t('quota.waits') : t('quota.where')}</p>
  </section>`;
