// The form: first who sends, and nothing else; then what was found, the login as the provider wants it, the server; always
// encrypted; the rest behind "advanced".
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { clock, date, dateTime, t } from '../i18n.js';
import { readable } from '../domain.js';
import { securityOf } from '../draft.js';
import { oauthStart } from '../oauth.js';
import { asksUsername, authOf, exampleOf, passwordEnd, prefersOauth, shortName } from '../preset.js';
import { Fault, Field, PasswordField } from './field.js';
import { Found } from './found.js';
import { Icon } from './icon.js';
import { Later } from './later.js';
import { Notice } from './notice.js';
import { Presets } from './presets.js';
import { CredentialHelp } from './provider-help.js';
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
  if (draft.stored?.set && draft.stored.set_at && !draft.form.password) return fault ? undefined : t('settings.password.stored', { time: dateTime(draft.stored.set_at) });
  return t('settings.password.hint');
}

function savedText(draft, smtp) {
  const unsaved = draft.unsaved();
  if (draft.saving) return t('settings.saving');
  if (unsaved.length) return t('settings.unsaved', { fields: namesOf(unsaved) });
  if (draft.problem && draft.edited().length) return t('settings.not_saved');
  if (draft.appliedAt && !smtp.draft) return t('settings.applied', { time: clock(draft.appliedAt) });
  return smtp.draft?.changed_at ? t('settings.saved', { time: clock(smtp.draft.changed_at) }) : '';
}

/** What the provider calls the secret. */
export const passwordLabel = (preset) => ({ app_password: t('credential.label.app_password'), api_key: t('credential.label.api_key') }[authOf(preset)]
  ?? t('settings.password'));

/** Notes of the catalogue begin in small letters. */
const sentence = (note) => note && note.charAt(0).toUpperCase() + note.slice(1);

/** What the provider prefers comes first, and why; without a known provider a password does. */
function LoginWay({ draft, preset, locked }) {
  const ways = prefersOauth(preset) ? ['oauth2', 'auto'] : ['auto', 'oauth2'];
  const end = passwordEnd(preset);
  const choose = (way) => draft.setMany(way === 'oauth2' ? oauthStart(preset, draft.form) : { auth: way });
  return html`
    <fieldset class="field choice" aria-describedby=${end ? 'auth-hint' : undefined}><legend>${t('login.way')}</legend>
      <div class="segments">
        ${ways.map((way) => html`
          <label key=${way}><input type="radio" name="auth" id=${`auth_${way}`} value=${way} checked=${draft.form.auth === way} disabled=${locked}
            onChange=${() => choose(way)} /><span>${t(`login.${way}`)}</span></label>`)}
      </div>
      ${end && html`<p class=${draft.isOauth() ? 'hint' : 'hint urgent'} id="auth-hint">${
        draft.isOauth() ? t('login.why', { provider: shortName(preset.name), date: date(end.at) }) : end.text}</p>`}
    </fieldset>`;
}

function Password({ field, draft, preset, faults }) {
  const known = draft.keepsPassword();
  return html`
    <${PasswordField} ...${field('password', { label: passwordLabel(preset), required: !known, hint: passwordHint(draft, faults.password),
      urgent: draft.needsPasswordAgain(), autocomplete: 'new-password', placeholder: known ? '••••••••' : undefined })} />`;
}

const loadSteps = () => import('./oauth-steps.js');

function Login(parts) {
  const { field, draft, preset } = parts;
  const own = asksUsername(preset);
  const oauth = draft.isOauth();
  const offered = oauth || preset?.oauth || (!preset && draft.form.host.trim());
  return html`
    <fieldset class="step"><legend>${t('flow.login')}</legend>
      ${offered && html`<${LoginWay} ...${parts} />`}
      ${!oauth && html`<${CredentialHelp} preset=${preset} />`}
      <${Field} ...${field('username', { optional: !own, label: t(oauth ? 'login.mailbox' : 'settings.username'), hint: sentence(preset?.username_note) ?? t('settings.username.hint'),
        autocomplete: 'off', placeholder: own ? preset.username_template.replace(/[<>]/g, '') : draft.form.from_email.trim() || undefined,
        spellcheck: 'false', autocapitalize: 'off' })} />
      ${oauth ? html`<${Later} load=${loadSteps} show=${({ OauthSteps: Steps }) => html`<${Steps} ...${parts} />`} />` : html`<${Password} ...${parts} />`}
    </fieldset>`;
}

const Server = ({ field, draft, preset, locked, faults }) => html`
  <fieldset class="step"><legend>${t('flow.server')}</legend>
    <div class="pair wide-narrow">
      <${Field} ...${field('host', { required: true, placeholder: preset ? exampleOf(preset.endpoints[0]?.host) : 'smtp.example.com',
        hint: t('settings.host.hint'), autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', inputmode: 'url' })} />
      <${Field} ...${field('port', { hint: t('settings.port.hint'), placeholder: '587', inputmode: 'numeric', autocomplete: 'off', maxlength: 7,
        onValue: (value) => draft.typePort(value) })} />
    </div>
    <${SecurityChoice} draft=${draft} locked=${locked} fault=${faults.security} />
  </fieldset>`;

function Advanced({ field, faults }) {
  const faulty = ['ehlo_name', 'max_connections', 'per_minute', 'per_hour', 'per_day', 'probe_recipient'].some((name) => faults[name]);
  const [open, setOpen] = useState(false);
  return html`
    <details class="advanced" open=${open || faulty} onToggle=${(event) => setOpen(event.currentTarget.open)}>
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
    </details>`;
}

/** The sender belongs to another mailbox than the one that signs in: what the provider makes of that, which it may do without a word. */
function SenderRule({ draft, preset }) {
  const [login, sender] = ['username', 'from_email'].map((name) => draft.form[name].trim().toLowerCase());
  if (!preset?.sender_rule || !login.includes('@') || !sender || login === sender) return null;
  return html`<div id="sender-rule"><${Notice} tone="warn"><strong>${shortName(preset.name)}:</strong> ${preset.sender_rule}<//></div>`;
}

/** otherServer: the one that was found is not in the form, and taking it comes first. unseen: the one that was put there just now. */
function Foot({ draft, smtp, locked, onDiscard, otherServer, unseen }) {
  const count = Object.keys(draft.faults).length;
  return html`
    ${count > 0 && html`<${Notice} tone="bad">${t('settings.faults', { n: count })}<//>`}
    ${unseen && html`<div id="look-first"><${Notice}>${t('settings.look_first', { server: unseen })}<//></div>`}
    ${draft.problem && html`<${Notice} tone="bad" role="alert">${draft.problem}<//>`}
    <div class="buttons">
      <button type="submit" id="verify" class=${otherServer ? '' : 'primary'} disabled=${locked} aria-describedby=${unseen ? 'look-first' : undefined}>${t('settings.verify')}</button>
      ${(smtp.draft || draft.discarding || draft.unsaved().length > 0) && html`
        <button type="button" disabled=${locked || draft.discarding} onClick=${onDiscard}>${t('settings.discard')}</button>`}
    </div>
    <p class="hint">${t('settings.verify.hint')}
      ${' '}${smtp.draft && smtp.sending_with && t('settings.in_force', { host: readable(smtp.sending_with.host), from: readable(smtp.sending_with.from_email) })}</p>`;
}

/** The beginning of an empty page: one field, and the providers. */
const Start = ({ presets, chosen, onChoose, onByHand, locked }) => html`
  <div class="start-rest">
    <h3>${t('flow.or_provider')}</h3>
    <${Presets} presets=${presets} chosen=${chosen?.id} onChoose=${onChoose} disabled=${locked} />
    <p><button type="button" class="link" onClick=${onByHand}>${t('flow.by_hand')}</button></p>
    <p class="hint invite-anyway">${t('flow.invite_anyway')} <a href="#/people">${t('flow.to_people')}</a></p>
  </div>`;

const Providers = ({ presets, chosen, onChoose, locked, open }) => html`
  <details class="providers" open=${open}>
    <summary>${chosen ? t('flow.provider_is', { name: shortName(chosen.name) }) : t('preset.title')}</summary>
    <${Presets} presets=${presets} chosen=${chosen?.id} onChoose=${onChoose} disabled=${locked} />
  </details>`;

/**
 * blank: only the address is asked for; onSubmit then looks it up, else verifies. chosen: the preset that fits, or null. onLeaveAddress,
 * onLookUp, onByHand, onChoose(preset): what is done besides typing. runFault: { name, text } of the failed check. unseen: a server that
 * nobody has looked at.
 */
export function SettingsForm({ draft, smtp, discovery, presets, chosen, blank, runFault, unseen, locked, onSubmit, onDiscard, onLeaveAddress, onLookUp, onChoose, onByHand }) {
  const faults = runFault && !draft.faults[runFault.name] ? { ...draft.faults, [runFault.name]: runFault.text } : draft.faults;
  const field = (name, more = {}) => ({
    id: name, label: t(`settings.${name}`), value: draft.form[name], fault: faults[name], disabled: locked,
    onValue: (value) => draft.set(name, value), onLeave: () => draft.leave(name), ...more,
  });
  const parts = { field, draft, faults, locked, preset: chosen, smtp };
  const asking = discovery.state === 'asking';
  return html`
    <form class=${blank ? 'card settings blank' : 'card settings'} id="edit" aria-labelledby="form-title" novalidate
      onSubmit=${(event) => { event.preventDefault(); onSubmit(); }}>
      <header class="card-head">
        <h2 id="form-title">${t(blank ? 'flow.start' : 'settings.title')}</h2>
        <span class="hint saved" data-saved=${draft.saving || draft.edited().length ? 'no' : smtp.draft ? 'yes' : 'none'}>${savedText(draft, smtp)}</span>
      </header>
      ${!blank && html`<p class="hint">${t('field.required_note')}</p>`}

      <div class=${blank ? 'start-row' : 'pair who'}>
        <${Field} ...${field('from_email', { required: true, inputmode: 'email', hint: t('settings.from_email.hint'), autocomplete: 'off',
          spellcheck: 'false', autocapitalize: 'off', onLeave: () => { draft.leave('from_email'); onLeaveAddress(); } })} />
        ${blank ? html`<button type="submit" class="primary" key="go" disabled=${locked || asking}>${t('flow.next')}</button>`
          : html`<${Field} key="name" ...${field('from_name', { optional: true, hint: t('settings.from_name.hint'), autocomplete: 'organization', maxlength: 200 })} />`}
      </div>
      <${Found} discovery=${discovery} draft=${draft} locked=${locked} blank=${blank} onAsk=${chosen?.id !== 'sandbox' && onLookUp} />
      ${blank ? html`<${Start} presets=${presets} chosen=${chosen} onChoose=${onChoose} onByHand=${onByHand} locked=${locked} />` : html`
        <${Providers} presets=${presets} chosen=${chosen} onChoose=${onChoose} locked=${locked}
          open=${!chosen && ['done', 'failed'].includes(discovery.state)} />
        <${Login} ...${parts} />
        <${SenderRule} draft=${draft} preset=${chosen} />
        <${Server} ...${parts} />
        <${Advanced} field=${field} faults=${faults} />
        <${Foot} draft=${draft} smtp=${smtp} locked=${locked} onDiscard=${onDiscard} otherServer=${discovery.isOther} unseen=${unseen} />`}
    </form>`;
}
