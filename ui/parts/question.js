// A question before something that cannot be taken back. It has the focus as soon as it is asked.
import { html } from '../html.js';

const focusOnce = (button) => button?.focus();

export const Question = ({ id, text, button, danger, busy, onYes, onNo, no }) => html`
  <div class="card ask" role="group" aria-labelledby=${id}><p id=${id}>${text}</p>
    <div class="buttons"><button type="button" class=${danger ? 'danger' : 'primary'} ref=${focusOnce} aria-disabled=${busy ? 'true' : undefined} onClick=${() => busy || onYes()}>${button}</button>
      <button type="button" aria-disabled=${busy ? 'true' : undefined} onClick=${() => busy || onNo()}>${no}</button></div></div>`;
