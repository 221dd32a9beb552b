// A part that is loaded once it is wanted, and with it what only it needs.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Problem } from './notice.js';

/** load(): the import; show(module): draws it. */
export function Later({ load, show }) {
  const [module, setModule] = useState(null);
  const [failed, setFailed] = useState(false);
  const fetch = () => {
    setFailed(false);
    load().then(setModule, () => setFailed(true));
  };
  useEffect(fetch, [load]);
  if (failed) return html`<${Problem} text=${t('error.network')} onRetry=${fetch} />`;
  return module ? show(module) : html`<p class="loading">${t('loading')}</p>`;
}

/** A card that is folded until somebody opens it; what is in it begins to come when somebody is about to. */
export function Fold({ id, title, load, show }) {
  const [wanted, setWanted] = useState(false);
  const warm = () => { load().catch(() => {}); }; // said when it is opened
  return html`
    <details class="card fold" id=${id} onToggle=${(event) => event.currentTarget.open && setWanted(true)}>
      <summary onPointerEnter=${warm} onFocus=${warm}><h2>${title}</h2></summary>
      ${wanted && html`<${Later} load=${load} show=${show} />`}
    </details>`;
}
