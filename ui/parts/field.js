// One labelled input. What is wrong stands under it in words, is framed, and is tied to it for screen readers.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';

export const Fault = ({ id, text }) => text && html`
  <p class="fault" id=${id}><${Icon} name="alert" /><span>${text}</span></p>`;

const Mark = ({ required, optional }) => html`
  ${required && html`<span class="required" aria-hidden="true">*</span>`}
  ${optional && html`<span class="optional">${t('field.optional')}</span>`}`;

const describedBy = (id, hint, fault) =>
  [hint && `${id}-hint`, fault && `${id}-fault`].filter(Boolean).join(' ') || undefined;

export function Field({ id, label, hint, fault, required, optional, onValue, onLeave, children, ...input }) {
  return html`
    <div class=${fault ? 'field faulty' : 'field'}>
      <label for=${id}>${label}<${Mark} required=${required} optional=${optional} /></label>
      ${children}
      <input id=${id} name=${id} required=${required} aria-invalid=${fault ? 'true' : undefined}
        aria-describedby=${describedBy(id, hint, fault)}
        onInput=${(event) => onValue(event.currentTarget.value)} onBlur=${onLeave} ...${input} />
      ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
      <${Fault} id=${`${id}-fault`} text=${fault} />
    </div>`;
}

export function PasswordField({ id, label, hint, urgent, fault, required, onValue, onLeave, ...input }) {
  const [shown, setShown] = useState(false);
  return html`
    <div class=${fault ? 'field faulty' : 'field'}>
      <label for=${id}>${label}<${Mark} required=${required} /></label>
      <div class="joined">
        <input id=${id} name=${id} type=${shown ? 'text' : 'password'} required=${required} spellcheck="false"
          autocapitalize="off" aria-invalid=${fault ? 'true' : undefined} aria-describedby=${describedBy(id, hint, fault)}
          onInput=${(event) => onValue(event.currentTarget.value)} onBlur=${onLeave} ...${input} />
        <button type="button" class="ghost" aria-pressed=${shown} aria-label=${t('field.show_password')}
          title=${t('field.show_password')} onClick=${() => setShown(!shown)}><${Icon} name="eye" /></button>
      </div>
      ${hint && html`<p class=${urgent ? 'hint urgent' : 'hint'} id=${`${id}-hint`}>${hint}</p>`}
      <${Fault} id=${`${id}-fault`} text=${fault} />
    </div>`;
}
