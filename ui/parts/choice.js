// One of a few, side by side; what the chosen one means stands under it.
import { html } from '../html.js';

/** choices: [{ value, label, hint }]; name: also the beginning of their ids. */
export function Choice({ name, label, choices, value, disabled, onChoose }) {
  const hint = choices.find((one) => one.value === value)?.hint;
  return html`
    <fieldset class="field choice" aria-describedby=${hint ? `${name}-hint` : undefined}><legend>${label}</legend>
      <div class="segments">${choices.map((one) => html`
        <label key=${one.value}><input type="radio" name=${name} id=${`${name}_${one.value}`} value=${one.value} checked=${one.value === value} disabled=${disabled}
          onChange=${() => onChoose(one.value)} /><span>${one.label}</span></label>`)}</div>
      ${hint && html`<p class="hint" id=${`${name}-hint`}>${hint}</p>`}
    </fieldset>`;
}
