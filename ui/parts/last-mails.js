// The last mails and what has become of them: one look instead of a log.
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { t } from '../i18n.js';
import { useApp } from '../store.js';
import { EmailState } from './email-state.js';
import { Time } from './time.js';

const LAST = 20, SHOWN = 5;
const REFRESH_AFTER_MS = 1500; // mails come in swarms

function useLast() {
  const [emails, setEmails] = useState([]);
  const { lastEmail, connection } = useApp();
  useEffect(() => {
    const timer = setTimeout(() => api.emails({ limit: LAST }).then(({ data }) => setEmails(data), () => {}), emails.length ? REFRESH_AFTER_MS : 0);
    return () => clearTimeout(timer);
  }, [lastEmail, connection.count]);
  return emails;
}

const Mail = ({ email, held }) => html`
  <li data-last=${email.id}>
    <div><a href=${`#/outbox/${email.id}`}>${email.subject || t(`class.${email.class}`)}</a>
      <p class="hint"><span>${[].concat(email.to).map(readable).join(', ')}</span> · <${Time} at=${email.created_at} near /></p></div>
    <${EmailState} state=${email.state} reason=${held} />
  </li>`;

/** held: why mail is held at this moment, or null. */
export function LastMails({ held }) {
  const emails = useLast();
  const [all, setAll] = useState(false);
  return emails.length > 0 && html`
    <section class="card" aria-labelledby="last-title">
      <h2 id="last-title">${t('last.title')}</h2>
      <ol class="last-mails">${(all ? emails : emails.slice(0, SHOWN)).map((email) => html`<${Mail} key=${email.id} email=${email} held=${held} />`)}</ol>
      <div class="buttons">
        ${!all && emails.length > SHOWN && html`<button type="button" class="small" onClick=${() => setAll(true)}>${t('last.more', { n: emails.length })}</button>`}
        <a class="button small" href="#/outbox">${t('last.all')}</a>
      </div>
    </section>`;
}
