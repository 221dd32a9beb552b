// Why an email is where it is: one sentence, the next moment something happens, and what would change it.
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { EmailState } from './email-state.js';
import { Icon } from './icon.js';
import { MaybeTwice } from './maybe-twice.js';
import { untilText, useNow } from './time.js';

/** Where that is done. */
const PLACES = {
  enter_settings: '#/settings/email', switch_on: '#/settings/email', raise_quota: '#/settings/email/edit',
  verify_password: '#/settings/email/password',
};

/** These stand below as buttons. */
const BUTTONS = ['retry', 'reschedule', 'cancel'];

const Moment = ({ label, at, now, icon }) => html`
  <p class="next"><${Icon} name=${icon} /><span>${label} <time dateTime=${at}><strong>${untilText(at, now)}</strong> (${moment(at, now)})</time></span></p>`;

function Next({ explanation }) {
  const now = useNow();
  const { next_at: next, expires_at: expires } = explanation;
  return html`
    ${next && html`<${Moment} label=${t('explanation.next')} at=${next} now=${now} icon="clock" />`}
    ${expires && new Date(expires) > now && html`<${Moment} label=${t('explanation.expires')} at=${expires} now=${now} icon="alert" />`}`;
}

/** explanation: null while it is not there yet; then the general words for the state stand in for it. */
export function Explanation({ email, explanation }) {
  const changes = explanation?.changes.filter(({ code }) => !BUTTONS.includes(code)) ?? [];
  return html`
    <section class=${`card explanation ${email.state}`} aria-label=${t('explanation.label')} data-code=${explanation?.code}>
      <p class="lead"><${EmailState} state=${email.state} />${email.possible_duplicate && html` <${MaybeTwice} />`}
        ${' '}<strong>${explanation ? explanation.sentence : t(`state.${email.state}.means`)}</strong></p>
      ${explanation && html`<${Next} explanation=${explanation} />`}
      ${changes.length > 0 && html`
        <h2>${t('explanation.changes')}</h2>
        <ul class="changes">${changes.map(({ code, text }) => html`<li key=${code}>${PLACES[code] ? html`<a href=${PLACES[code]}>${text}</a>` : text}</li>`)}</ul>`}
    </section>`;
}
