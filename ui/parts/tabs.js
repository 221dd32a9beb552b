// Tabs by the ARIA pattern: arrow keys move, Home and End jump, the panel follows.
import { useState } from 'preact/hooks';
import { html } from '../html.js';

const STEP = { ArrowRight: 1, ArrowLeft: -1 };

/** tabs: [{ id, label, view }] */
export function Tabs({ tabs, label }) {
  const [chosen, setChosen] = useState(tabs[0].id);
  const current = tabs.find(({ id }) => id === chosen) ?? tabs[0];
  const move = (event) => {
    const now = tabs.indexOf(current);
    const next = event.key === 'Home' ? 0 : event.key === 'End' ? tabs.length - 1
      : STEP[event.key] ? (now + STEP[event.key] + tabs.length) % tabs.length : -1;
    if (next < 0) return;
    event.preventDefault();
    setChosen(tabs[next].id);
    document.getElementById(`tab-${tabs[next].id}`).focus();
  };
  return html`
    <div class="card tabs">
      <div role="tablist" aria-label=${label} onKeyDown=${move}>
        ${tabs.map(({ id, label: words }) => html`
          <button type="button" role="tab" key=${id} id=${`tab-${id}`} aria-controls="tab-panel" aria-selected=${id === current.id ? 'true' : 'false'}
            tabindex=${id === current.id ? 0 : -1} onClick=${() => setChosen(id)}>${words}</button>`)}
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby=${`tab-${current.id}`} tabindex="0" data-tab=${current.id}>${current.view()}</div>
    </div>`;
}
