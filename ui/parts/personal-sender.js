// Mail of an application should not come from a person's own address; said once for each address.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';

const STORED = 'absender.personal_sender_kept';

export function PersonalSender({ smtp, onEdit }) {
  const address = smtp.sending_with?.from_email;
  const [kept, setKept] = useState(localStorage.getItem(STORED));
  if (!smtp.is_personal_sender || !address || kept === address) return null;
  const keep = () => {
    localStorage.setItem(STORED, address);
    setKept(address);
  };
  return html`
    <section class="card aside-warn" aria-labelledby="personal-title">
      <h2 id="personal-title"><${Icon} name="user" />${t('personal.title')}</h2>
      <p>${t('personal.text', { address: readable(address), example: `noreply@${readable(address.split('@')[1])}` })}</p>
      <div class="buttons">
        <button type="button" class="small" onClick=${onEdit}>${t('personal.change')}</button>
        <button type="button" class="small ghost" onClick=${keep}>${t('personal.keep')}</button>
      </div>
    </section>`;
}
