// The form of the two manuals: sender, login, server; always encrypted; the rest behind "advanced".
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { clock, dateTime, t } from '../i18n.js';
import { readable } from '../domain.js';
import { securityOf } from '../draft.js';
import { Fault, Field, PasswordField } from './field.js';
import { Icon } from './icon.js';
import { Notice } from './notice.js';
import { namesOf } from './status-bar.js';

const SecurityChoice = ({ draft, locked, fault }) => html`
  <fieldset class=${fault ? 'field choice faulty' : 'field choice'} aria-describedby=${fault ? 'security-fault' : 'security-hint'}>
    <legend><${Icon} name="lock" />${t('security.always')}</legend>
    <div class="segments">
      ${['starttls', 'implicit'].map((value) => html`
        <label key=${value}>
          <input type="radio" name="security" id=${`security_${value}`} value=${value} checked=${securityOf(draft.form) === value}
            disabled=${locked} onChange=${() => draft.chooseSecurity(value)} />
          <span>${t(`security.${value}`)}</span></label>`)}
    </div>
    <p class="hint" id="security-hint">${t('security.hint')}</p>
    <${Fault} id="security-fault" text=${fault} />
  </fieldset>`;

/** Said once: under the field as a hint, or as its fault. */
function passwordHint(draft, fault) {
  if (draft.needsPasswordAgain()) return fault ? undefined : t('fault.password_again');
  if (draft.stored?.set && draft.stored.set_at) return t('settings.password.stored', { time: dateTime(draft.stored.set_at) });
  return t('settings.password.hint');
}

function savedText(draft, smtp) {
  const unsaved = draft.unsaved();
  if (draft.saving) return t('settings.saving');
  if (unsaved.length) return t('settings.unsaved', { fields: namesOf(unsaved) });
  if (draft.problem && draft.edited().length) return t('settings.not_saved');
  return smtp.draft?.changed_at ? t('settings.saved', { time: clock(smtp.draft.changed_at) }) : '';
}

export function SettingsForm({ draft, smtp, hostExample, runFault, locked, onVerify }) {
  const faults = runFault && !draft.faults[runFault.name] ? { ...draft.faults, [runFault.name]: runFault.text } : draft.faults;
  const field = (name, more = {}) => ({
    id: name, label: t(`settings.${name}`), value: draft.form[name], fault: faults[name], disabled: locked,
    onValue: (value) => draft.set(name, value), onLeave: () => draft.leave(name), ...more,
  });
  const advanced = ['ehlo_name', 'max_connections', 'per_minute', 'per_hour', 'per_day', 'probe_recipient'].some((name) => faults[name]);
  const [open, setOpen] = useState(false);
  const count = Object.keys(draft.faults).length;
  const unsaved = draft.unsaved().length > 0;
  return html`
    <form class="card settings" aria-labelledby="form-title" novalidate onSubmit=${(event) => { event.preventDefault(); onVerify(); }}>
      <header class="card-head">
        <h2 id="form-title">${t('settings.title')}</h2>
        <span class="hint saved" data-saved=${smtp.draft && !draft.saving && !draft.edited().length ? 'yes' : 'no'}>${savedText(draft, smtp)}</span>
      </header>
      <p class="hint">${t('field.required_note')}</p>

      <div class="pair">
        <${Field} ...${field('from_name', { optional: true, hint: t('settings.from_name.hint'), autocomplete: 'organization', maxlength: 200 })} />
        <${Field} ...${field('from_email', { required: true, inputmode: 'email', hint: t('settings.from_email.hint'), autocomplete: 'off',
          spellcheck: 'false', autocapitalize: 'off' })} />
      </div>
      <${PasswordField} ...${field('password', { required: !draft.keepsPassword(), hint: passwordHint(draft, faults.password), urgent: draft.needsPasswordAgain(),
        autocomplete: 'new-password',
        placeholder: draft.keepsPassword() ? '••••••••' : undefined })} />
      <div class="pair wide-narrow">
        <${Field} ...${field('host', { required: true, placeholder: hostExample, hint: t('settings.host.hint'), autocomplete: 'off',
          spellcheck: 'false', autocapitalize: 'off', inputmode: 'url' })} />
        <${Field} ...${field('port', { hint: t('settings.port.hint'), placeholder: '587', inputmode: 'numeric', autocomplete: 'off', maxlength: 7,
          onValue: (value) => draft.typePort(value) })} />
      </div>
      <${SecurityChoice} draft=${draft} locked=${locked} fault=${faults.security} />
      <${Field} ...${field('username', { optional: true, hint: t('settings.username.hint'), placeholder: draft.form.from_email.trim() || undefined,
        autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off' })} />

      <details class="advanced" open=${open || advanced} onToggle=${(event) => setOpen(event.currentTarget.open)}>
        <summary>${t('settings.advanced')}</summary>
        <div class="pair">
          <${Field} ...${field('ehlo_name', { optional: true, hint: t('settings.ehlo_name.hint'), autocomplete: 'off', spellcheck: 'false' })} />
          <${Field} ...${field('max_connections', { hint: t('settings.max_connections.hint'), inputmode: 'numeric', placeholder: '4' })} />
        </div>
        <fieldset class="field quota-fields" aria-describedby="quota-hint">
          <legend>${t('quota.title')}<span class="optional">${t('field.optional')}</span></legend>
          <div class="triple">
            ${['per_minute', 'per_hour', 'per_day'].map((name) => html`
              <${Field} key=${name} ...${field(name, { label: t(`quota.${name}`), inputmode: 'numeric', autocomplete: 'off', maxlength: 9 })} />`)}
          </div>
          <p class="hint" id="quota-hint">${t('quota.hint')}</p>
        </fieldset>
        <${Field} ...${field('probe_recipient', { optional: true, inputmode: 'email', hint: t('settings.probe_recipient.hint'), autocomplete: 'off' })} />
      </details>

      ${count > 0 && html`<${Notice} tone="bad">${t('settings.faults', { n: count })}<//>`}
      ${draft.problem && html`<${Notice} tone="bad" role="alert">${draft.problem}<//>`}
      <div class="buttons">
        <button type="submit" class="primary" disabled=${locked}>${t('settings.verify')}</button>
        ${(smtp.draft || unsaved) && html`<button type="button" disabled=${locked} onClick=${() => draft.discard()}>${t('settings.discard')}</button>`}
      </div>
      <p class="hint">${t('settings.verify.hint')}
        ${' '}${smtp.draft && smtp.sending_with && t('settings.in_force', { host: readable(smtp.sending_with.host), from: readable(smtp.sending_with.from_email) })}</p>
    </form>`;
}
