// The state of mail sending, once something is in force: what was, what is and what comes.
import { domainOf } from '../domain.js';
import { html } from '../html.js';
import { needTexts, t } from '../i18n.js';
import { presetOfHost } from '../preset.js';
import { loadSmtp } from '../store.js';
import { needStyles } from '../styles.js';
import { Activity } from './activity.js';
import { Dates } from './dates.js';
import { DatesAhead } from './dates-ahead.js';
import { DomainCard } from './domain-card.js';
import { LastMails } from './last-mails.js';
import { Fold } from './later.js';
import { PersonalSender } from './personal-sender.js';
import { QuotaCard } from './quota.js';
import { SendingWith } from './sending-with.js';
import { SendingSwitch } from './switch.js';
import { TestMail } from './test-mail.js';

export { DatesAhead, SendingSwitch, SendingWith };

await Promise.all([needTexts('settings', 'status'), needStyles('status')]);

const history = () => import('./history.js');
const headers = () => import('./header-check.js');
const bounces = () => import('./bounce-box.js');

/** What one looks at once mail is sent; fresh: a check has just passed, and the test mail comes next. */
const Now = ({ smtp, member, inSandbox, fresh, onEdit }) => {
  const activity = html`<${Activity} key="activity" smtp=${smtp} />`;
  return html`
    <${PersonalSender} smtp=${smtp} onEdit=${onEdit} />
    ${!fresh && activity}
    <${TestMail} key="test" smtp=${smtp} member=${member} inSandbox=${inSandbox} />
    ${fresh && activity}`;
};

/** Where nobody is at the form. watched: a check has been seen to its end here; verdict: its ladder. */
export function Status({ smtp, member, presets, inSandbox, watched, verdict, locked, onEdit, onStarted }) {
  const domain = domainOf(smtp.active.from_email);
  const preset = presetOfHost(presets, smtp.active.host)?.id;
  const now = html`
    <${SendingWith} smtp=${smtp} onEdit=${onEdit} />
    <${Dates} smtp=${smtp} />
    <${QuotaCard} smtp=${smtp} onChanged=${loadSmtp} />`; // beside a long ladder they fill the other column
  return html`
    <div class=${watched ? 'columns verdict' : 'columns'}>
      <div class="column">
        <${Now} smtp=${smtp} member=${member} fresh=${watched} onEdit=${onEdit} inSandbox=${inSandbox} />
        <${LastMails} held=${smtp.held_reason ?? null} />
        ${domain && presets.length > 0 && !inSandbox && html`<${DomainCard} key=${domain} domain=${domain} preset=${preset && preset !== 'sandbox' ? preset : null} />`}
        ${watched && now}
        <${Fold} id="history" title=${t('history.title')} load=${history}
          show=${({ History }) => html`<${History} smtp=${smtp} disabled=${locked} onStarted=${onStarted} />`} />
      </div>
      <div class="column">
        ${watched ? verdict : html`${now}${verdict}`}
      </div>
    </div>
    <div class="columns tools">
      <${Fold} id="header-check" title=${t('headers.title')} load=${headers} show=${({ HeaderCheck }) => html`<${HeaderCheck} />`} />
      <${Fold} id="bounce-box" title=${t('bounce.title')} load=${bounces} show=${({ BounceBox }) => html`<${BounceBox} host=${smtp.active.host} />`} />
    </div>`;
}
