// The way to a link that a person hands on: asked for anew, copied at once where the browser allows it, and shown.
import { useState } from 'preact/hooks';
import { t } from '../i18n.js';
import { announce } from '../store.js';
import { copyText } from './copy-button.js';

/** { link: { url, expires, copied, replaced } or null, take(answer, replaced), show(answer), hide() } */
export function useLink() {
  const [link, setLink] = useState(null);
  const show = (answer, more = {}) => setLink({ url: answer.link, expires: answer.expires_at, ...more });
  return {
    link, show,
    /** The answer brings a fresh link: whatever was there before is dead. */
    take: async (answer) => {
      const copied = await copyText(answer.link);
      show(answer, { copied, replaced: true });
      announce([copied && t('link.copied'), t('link.replaced')].filter(Boolean).join(' '));
    },
    hide: () => setLink(null),
  };
}
