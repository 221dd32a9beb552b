// One labelled text of several lines; what is wrong stands under it, as with every field.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Fault } from './field.js';

export function AreaField({ id, label, hint, fault, required, optional, rows = 3, onValue, ...area }) {
  const described = [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ') || undefined;
  return html`
    <div class=${fault ? 'field faulty' : 'field'}>
      <label for=${id}>${label}${required && html`<span class="required" aria-hidden="true">*</span>`}
        ${optional && html`<span class="optional">${t('field.optional')}</span>`}</label>
      <textarea id=${id} name=${id} rows=${rows} required=${required} spellcheck="false" autocapitalize="off" autocomplete="off"
        aria-invalid=${fault ? 'true' : undefined} aria-describedby=${described} onInput=${(event) => onValue(event.currentTarget.value)} ...${area}></textarea>
      ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
      <${Fault} id=${`${id}-fault`} text=${fault} />
    </div>`;
}
