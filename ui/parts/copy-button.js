// Copies a text. Where the browser does not allow that (a page without TLS), the text is marked, ready for the keyboard.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { announce } from '../store.js';
import { Icon } from './icon.js';

const SHOWN_MS = 2500;

function mark(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

/** True if the text is in the clipboard now. */
export const copyText = async (text) => Boolean(await navigator.clipboard?.writeText(text).then(() => true, () => false));

/** id: of the element that shows the text; what: how it is called ("Name", "Wert"). */
export function CopyButton({ id, what }) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    const element = document.getElementById(id);
    const done = await copyText(element.textContent);
    if (!done) mark(element);
    const words = t(done ? 'copy.done' : 'copy.marked');
    setSaid(words);
    announce(words);
    setTimeout(() => setSaid(''), SHOWN_MS);
  };
  return html`
    <button type="button" class="small copy" aria-label=${said ? undefined : t('copy.what', { what })} onClick=${copy}>
      <${Icon} name=${said ? 'check' : 'copy'} />${said || t('copy.copy')}</button>`;
}
