// The way to a link that a person hands on: asked for anew, copied at once where the browser allows it, and shown.
import { useState } from 'preact/hooks';
import { readable } from '../domain.js';
import { dateTime, t } from '../i18n.js';
import { announce } from '../store.js';
import { copyText } from './copy-button.js';

/** The mail with which an administrator passes such a link on: words that can stay as they are. */
export const resetMail = ({ email, name }, { url, expires }) => ({
  to: email, subject: t('handover.mail_subject'), text: t('handover.mail_text', { who: name || readable(email), link: url, time: dateTime(expires) }),
});

export const invitationMail = (email, { url, expires }) => ({
  to: email, subject: t('invite.mail_subject'), text: t('invite.mail_text', { link: url, time: dateTime(expires) }),
});

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
