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

/** organisation: its name, or nothing. */
export const invitationMail = (email, organisation, { url, expires }) => ({
  to: email, subject: t('invite.mail_subject'), text: t(organisation ? 'invite.mail_text_to' : 'invite.mail_text', { organisation, link: url, time: dateTime(expires) }),
});

/** { link: { url, expires, copied, replaced } or null, take(answer, replaced), show(answer, more), hide() }; replaced: somebody may hold an earlier one. */
export function useLink() {
  const [link, setLink] = useState(null);
  const show = (answer, more = {}) => setLink({ url: answer.link, expires: answer.expires_at, ...more });
  return {
    link, show,
    /** The answer brings a fresh link: whatever was there before is dead. */
    take: async (answer, replaced) => {
      const copied = await copyText(answer.link);
      show(answer, { copied, replaced });
      announce([copied && t('link.copied'), replaced && t('link.replaced')].filter(Boolean).join(' '));
    },
    hide: () => setLink(null),
  };
}
