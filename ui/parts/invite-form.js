// Inviting somebody: address, role and the language of the mail. The link comes with the answer, whether mail can be sent or not.
import { useLayoutEffect } from 'preact/hooks';
import { faultOfAddress } from '../credentials.js';
import { html } from '../html.js';
import { currentLanguage, t } from '../i18n.js';
import { people } from '../people-api.js';
import { Field } from './field.js';
import { useForm } from './form.js';
import { LanguageField } from './language-field.js';
import { Notice } from './notice.js';
import { RoleField } from './role.js';

/** sends: whether an invitation goes as mail; paused: but waits. */
export function InviteForm({ sends, paused, onInvited, onClose }) {
  const { values, set, field, submit, problem, busy, ref } = useForm({ email: '', role: 'member', language: currentLanguage() });
  useLayoutEffect(() => { document.getElementById('email')?.focus(); }, []);
  const send = submit(({ email }) => ({ email: faultOfAddress(email) }),
    async ({ email, role, language }) => onInvited(await people.invite({ email: email.trim(), role, language })));
  return html`
    <section class="card invite" aria-labelledby="invite-title">
      <h2 id="invite-title">${t('invite.title')}</h2>
      <form ref=${ref} onSubmit=${send} novalidate>
        <${Field} ...${field('email', 'sign_in.email')} type="email" required autocomplete="off" />
        <${RoleField} value=${values.role} onValue=${set('role')} />
        <${LanguageField} value=${values.language} onValue=${set('language')} />
        <p class="hint">${t(!sends ? 'invite.by_link' : paused ? 'invite.by_paused_mail' : 'invite.by_mail')}</p>
        ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
        <div class="buttons">
          <button type="submit" class="primary" aria-disabled=${busy ? 'true' : undefined}>${t(sends ? 'invite.send' : 'invite.create')}</button>
          <button type="button" onClick=${onClose}>${t('action.cancel')}</button>
        </div>
      </form>
    </section>`;
}
