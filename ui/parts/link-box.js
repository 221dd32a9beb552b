// A link that a person hands on: with a button that copies it, how long it holds, and that what was there before holds no more.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { dateTime, t } from '../i18n.js';
import { isLocal } from '../local.js';
import { CopyButton } from './copy-button.js';
import { Icon } from './icon.js';
import { Notice } from './notice.js';

/** A mail of one's own with the link in it: it goes by the mail program of whoever looks at this, not by Absender. */
function mailTo({ to, subject, text }) {
  const body = text.replaceAll('\n', '\r\n'); // RFC 6068 5
  return `mailto:${encodeURIComponent(to).replace('%40', '@')}?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(body)}`;
}

/** mail: { to, subject, text } where it may go by the own mail program; replaced: an earlier link has just died; copied: this one is in the clipboard already. It has the focus as soon as it is there. */
export function LinkBox({ id, title, link, expires, replaced, copied, mail, onDone, children }) {
  const heading = useRef(null);
  useLayoutEffect(() => {
    heading.current.focus({ preventScroll: true });
    heading.current.parentElement.scrollIntoView({ block: 'nearest' });
  }, [link]);
  const done = () => {
    heading.current.closest('li')?.querySelector('button, a')?.focus(); // this box goes, and the focus with it
    onDone();
  };
  return html`
    <div class="link-box" role="group" aria-labelledby=${`${id}-title`} data-link=${id}>
      <h3 id=${`${id}-title`} tabindex="-1" ref=${heading}><${Icon} name="key" />${title}</h3>
      ${copied && html`<${Notice} tone="good">${t('link.copied')}<//>`}
      ${replaced && html`<p class="replaced">${t('link.replaced')}</p>`}
      <p class="secret"><code id=${`${id}-link`}>${link}</code><${CopyButton} id=${`${id}-link`} what=${t('link.what')} /></p>
      ${isLocal(link) && html`<p class="replaced" data-local>${t('link.local')} <a href="#/organisation">${t('link.local_mend')}</a></p>`}
      <p class="hint">${t('link.once', { time: dateTime(expires) })}</p>
      ${children}
      <div class="buttons">
        ${mail && html`<a class="button small" data-mail href=${mailTo(mail)}><${Icon} name="mail" />${t('link.by_own_mail')}</a>`}
        <button type="button" class="small" onClick=${done}>${t('link.done')}</button></div>
    </div>`;
}
