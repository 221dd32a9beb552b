// With which settings mail is being sent right now, whatever is typed in the form. onEdit: opens the form, where there is one.
import { html } from '../html.js';
import { readable } from '../domain.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';
import { Notice } from './notice.js';
import { ailing } from './status-bar.js';
import { Time } from './time.js';

export const SendingWith = ({ smtp, onEdit }) => html`
  <section class="card" aria-labelledby="force-title">
    <h2 id="force-title">${t('force.title')}</h2>
    ${smtp.sending_with
      ? html`
        <dl class="facts">
          <div><dt>${t('settings.host')}</dt><dd>${readable(smtp.sending_with.host)}:${smtp.sending_with.port}</dd></div>
          <div><dt>${t('settings.from_email')}</dt><dd>${readable(smtp.sending_with.from_email)}</dd></div>
          ${smtp.sending_with.from_name && html`<div><dt>${t('settings.from_name')}</dt><dd>${smtp.sending_with.from_name}</dd></div>`}
          ${smtp.active?.auth === 'oauth2' && html`<div><dt>${t('facts.login')}</dt><dd>${t('login.oauth2')}</dd></div>`}
          <div><dt>${t('force.since')}</dt><dd><${Time} at=${smtp.sending_with.since} /></dd></div>
          ${smtp.health && html`<div><dt>${t('force.health')}</dt><dd>${t(`health.${smtp.health.state}`)}</dd></div>`}
        </dl>
        ${!ailing(smtp) && smtp.health?.diagnosis && html`<${Notice} tone="warn">${smtp.health.diagnosis.meaning} ${smtp.health.diagnosis.fix}<//>`}
        ${onEdit && html`<div class="buttons"><button type="button" class="small" onClick=${onEdit}><${Icon} name="pencil" />${t('force.edit')}</button></div>`}
        ${smtp.draft && html`<p class="hint">${t('force.stays')}</p>`}`
      : html`<p class="hint">${t('force.none')}</p>`}
  </section>`;
