// What a mail text becomes: subject, sender, and the mail itself, on a phone or a screen, by day or by night, or as plain text.
import { useEffect, useState } from 'preact/hooks';
import { admin } from '../admin-api.js';
import { errorText } from '../api.js';
import { html } from '../html.js';
import { currentLanguage, t } from '../i18n.js';
import { useApp } from '../store.js';
import { MailFrame } from './mail-frame.js';
import { Notice } from './notice.js';

const AFTER_MS = 300;

/**
 * The text as it is filled in by the server, a moment after it was last changed. { shown, error }: what was shown last stays while
 * there is a fault in the text.
 */
export function usePreview(request) {
  const [state, setState] = useState({ shown: null, error: null });
  const { connection } = useApp();
  const asked = request && JSON.stringify(request);
  useEffect(() => {
    if (!asked) return undefined;
    let ended = false;
    const timer = setTimeout(() => {
      admin.previewTemplate(JSON.parse(asked)).then((shown) => { if (!ended) setState({ shown, error: null }); },
        (error) => { if (!ended) setState(({ shown }) => ({ shown, error })); });
    }, state.shown ? AFTER_MS : 0);
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [asked, currentLanguage(), connection.count]);
  return state;
}

const Choice = ({ label, names, value, onValue }) => html`
  <div class="segments small" role="group" aria-label=${label}>${names.map((name) => html`
    <button type="button" key=${name} aria-pressed=${name === value ? 'true' : 'false'} onClick=${() => onValue(name)}>${t(`texts.view.${name}`)}</button>`)}</div>`;

/** preview: of usePreview; sender: who it comes from, if that is known. */
export function MailPreview({ preview: { shown, error }, sender }) {
  const [width, setWidth] = useState('desktop');
  const [scheme, setScheme] = useState('light');
  const [part, setPart] = useState('html');
  const asText = part === 'text' || (shown && !shown.html);
  return html`
    <section class="card preview" aria-labelledby="preview-title">
      <header class="card-head"><h2 id="preview-title">${t('texts.preview')}</h2>
        <div class="views">
          ${shown?.html && html`<${Choice} label=${t('texts.view.part')} names=${['html', 'text']} value=${part} onValue=${setPart} />`}
          ${!asText && html`
            <${Choice} label=${t('texts.view.width')} names=${['desktop', 'phone']} value=${width} onValue=${setWidth} />
            <${Choice} label=${t('texts.view.scheme')} names=${['light', 'dark']} value=${scheme} onValue=${setScheme} />`}
        </div></header>
      ${error && html`<${Notice} tone="bad" role="alert">${error.errors?.[0]?.detail ?? errorText(error)}<//>`}
      ${!shown && !error && html`<p class="hint">${t('texts.preview.none')}</p>`}
      ${shown && html`
        <dl class="facts">
          ${sender && html`<div><dt>${t('email.from')}</dt><dd>${sender}</dd></div>`}
          <div><dt>${t('outbox.subject')}</dt><dd><strong data-preview="subject">${shown.subject}</strong></dd></div>
        </dl>
        ${asText ? html`<pre class="mail-text said" tabindex="0" data-preview="text">${shown.text}</pre>`
          : html`<${MailFrame} title=${t('texts.frame')} source=${shown.html} width=${width} scheme=${scheme} />`}`}
    </section>`;
}
