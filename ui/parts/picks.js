// A group of check boxes under one heading: what is chosen is a list of names.
import { html } from '../html.js';
import { Fault } from './field.js';

/** choices: [{ name, label, hint }]; value: the names that are chosen. */
export function Picks({ id, label, hint, choices, value, fault, disabled, onValue }) {
  const toggle = (name) => onValue(choices.map((one) => one.name).filter((one) => value.includes(one) !== (one === name)));
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ') || undefined;
  return html`
    <fieldset class=${fault ? 'field picks wide-picks faulty' : 'field picks wide-picks'} aria-describedby=${described}>
      <legend>${label}</legend>
      ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
      ${choices.map((one) => html`
        <label key=${one.name}><input type="checkbox" name=${id} value=${one.name} checked=${value.includes(one.name)} disabled=${disabled}
          aria-invalid=${fault ? 'true' : undefined} onChange=${() => toggle(one.name)} />
          <span>${one.label}${one.hint && html` <span class="hint">${one.hint}</span>`}</span></label>`)}
      <${Fault} id=${`${id}-fault`} text=${fault} />
    </fieldset>`;
}
