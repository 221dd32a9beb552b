// A secret that is shown now and never again: with a button that copies it, and one that puts it away.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { CopyButton } from './copy-button.js';
import { Icon } from './icon.js';

/** what: how the secret is called ("Token"); text: that it is to be copied now; children: what to do with it. */
export function ShownOnce({ id, title, what, text, secret, onDone, children }) {
  const heading = useRef(null);
  useLayoutEffect(() => {
    heading.current.focus();
    heading.current.closest('section').scrollIntoView({ block: 'nearest' });
  }, [secret]);
  return html`
    <section class="card shown-once" aria-labelledby=${`${id}-title`}>
      <h2 id=${`${id}-title`} tabindex="-1" ref=${heading}><${Icon} name="key" />${title}</h2>
      <p>${text}</p>
      <p class="secret"><code id=${id}>${secret}</code><${CopyButton} id=${id} what=${what} /></p>
      ${children}
      <div class="buttons"><button type="button" onClick=${onDone}>${t('once.done')}</button></div>
    </section>`;
}
