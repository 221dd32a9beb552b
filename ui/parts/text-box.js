// A large field for something pasted, with the button that reads it.
import { useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Fault } from './field.js';
import { Notice } from './notice.js';

const MOST_BYTES = 65536;
const sizeOf = (text) => new TextEncoder().encode(text).length;

/** onRead(text): answers when it has been read; what it throws is shown. */
export function TextBox({ id, label, hint, button, empty, onRead }) {
  const [text, setText] = useState('');
  const [fault, setFault] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);

  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    const wrong = !text.trim() ? empty : sizeOf(text) > MOST_BYTES ? t('text_box.too_long') : '';
    setFault(wrong);
    setProblem('');
    if (wrong) {
      document.getElementById(id).focus();
      return;
    }
    setBusy(true);
    await onRead(text).catch((error) => setProblem(errorText(error)));
    setBusy(false);
  };

  return html`
    <form onSubmit=${submit} novalidate>
      <div class=${fault ? 'field faulty' : 'field'}>
        <label for=${id}>${label}</label>
        <textarea id=${id} rows="5" spellcheck="false" autocapitalize="off" autocomplete="off" value=${text}
          aria-invalid=${fault ? 'true' : undefined} aria-describedby=${fault ? `${id}-hint ${id}-fault` : `${id}-hint`}
          onInput=${(event) => { setText(event.currentTarget.value); setFault(''); }}></textarea>
        <p class="hint" id=${`${id}-hint`}>${hint}</p>
        <${Fault} id=${`${id}-fault`} text=${fault} />
      </div>
      <button type="submit" aria-disabled=${busy ? 'true' : undefined}>${button}</button>
    </form>
    ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}`;
}
