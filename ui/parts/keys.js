// The keys that everything secret is encrypted with: which is in use, and how far a change of it has come. Changed on the server only.
import { useEffect, useState } from 'preact/hooks';
import { admin } from '../admin-api.js';
import { html } from '../html.js';
import { dateTime, t } from '../i18n.js';
import { Icon } from './icon.js';
import { Notice } from './notice.js';

const LOOKS = { active: ['good', 'check'], ready: ['info', 'clock'], retiring: ['warn', 'clock'] };
const AGAIN_MS = 2000; // while entries move to another key

/** The keys as they are now: null until they are known. */
function useKeys() {
  const [keys, setKeys] = useState(null);
  useEffect(() => {
    let timer = 0;
    let ended = false;
    const look = async () => {
      const found = await admin.keys().catch(() => null);
      if (ended || !found) return;
      setKeys(found);
      if (leftOf(found)) timer = setTimeout(look, AGAIN_MS);
    };
    look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, []);
  return keys;
}

/** How many entries still wait for the key in use. */
const leftOf = ({ data }) => data.filter(({ state }) => state === 'retiring').reduce((sum, { sealed }) => sum + sealed, 0);

const Key = ({ entry: { id, state, created_at: at, sealed } }) => html`
  <li data-key=${id} data-key-state=${state}>
    <p><code>${id}</code> <span class=${`badge ${LOOKS[state][0]}`}><${Icon} name=${LOOKS[state][1]} />${t(`keys.${state}`)}</span></p>
    <p class="hint">${at ? t('keys.created', { time: dateTime(at) }) : t('keys.created.unknown')} · ${t('keys.sealed', { n: sealed })}</p>
    ${state === 'retiring' && sealed === 0 && html`<p class="hint">${t('keys.unneeded')}</p>`}
  </li>`;

export function KeysCard() {
  const keys = useKeys();
  if (!keys) return null;
  const left = leftOf(keys);
  return html`
    <section class="card below" aria-labelledby="keys-title">
      <h2 id="keys-title">${t('keys.title')}</h2>
      <p>${t('keys.lead')}</p>
      <ul class="history">${keys.data.map((entry) => html`<${Key} key=${entry.id} entry=${entry} />`)}</ul>
      ${left > 0 && html`<div data-keys-left=${left}><${Notice}>${t('keys.left', { n: left })}<//></div>`}
      <p class="hint">${t(`keys.source.${keys.source}`)} ${t('keys.how')}</p>
    </section>`;
}
