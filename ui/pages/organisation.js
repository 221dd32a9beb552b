// The organisation: its name, colour and language as mails show them, and the address that links in mails begin with.
import { useState } from 'preact/hooks';
import { admin } from '../admin-api.js';
import { html } from '../html.js';
import { currentLanguage, languages, t } from '../i18n.js';
import { useAnswer } from '../parts/answer.js';
import { Fault, Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { KeysCard } from '../parts/keys.js';
import { MailPreview, usePreview } from '../parts/mail-preview.js';
import { Notice, Problem } from '../parts/notice.js';
import { announce } from '../store.js';
import { needStyles } from '../styles.js';

await needStyles('lists', 'admin');

const COLOUR = /^#[0-9a-f]{6}$/i;
const OURS = '#1f5fbf'; // where none is set: DEFAULT_COLOUR in src/api/system_mail.c

function isAddress(text) {
  const { protocol, pathname } = URL.canParse(text) ? new URL(text) : {};
  return ['http:', 'https:'].includes(protocol) && pathname === '/' && !/[?#@]/.test(text);
}

/** Links lead somewhere from the first set-up on: the address can be another one, but not none. */
function faultOfAddress(typed, stored) {
  if (!typed) return stored ? t('fault.missing.public_url') : '';
  return isAddress(typed) ? '' : t('org.bad_url');
}

const checkAgainst = (stored) => ({ colour, public_url: address }) => ({
  colour: !colour.trim() || COLOUR.test(colour.trim()) ? '' : t('org.bad_colour'),
  public_url: faultOfAddress(address.trim(), stored),
});

/** As a field to pick from and as a field to type in: the same colour. */
function ColourField({ value, fault, onValue }) {
  return html`
    <div class=${fault ? 'field faulty' : 'field'}>
      <label for="colour">${t('org.colour')}<span class="optional">${t('field.optional')}</span></label>
      <div class="colour"><input type="color" aria-label=${t('org.colour.pick')} value=${COLOUR.test(value.trim()) ? value.trim().toLowerCase() : OURS}
          onInput=${(event) => onValue(event.currentTarget.value)} />
        <input id="colour" name="colour" value=${value} placeholder=${OURS} spellcheck="false" autocomplete="off" maxlength="7" aria-invalid=${fault ? 'true' : undefined}
          aria-describedby=${fault ? 'colour-hint colour-fault' : 'colour-hint'} onInput=${(event) => onValue(event.currentTarget.value)} /></div>
      <p class="hint" id="colour-hint">${t('org.colour.hint')}</p>
      <${Fault} id="colour-fault" text=${fault} />
    </div>`;
}

const LanguageField = ({ value, onValue }) => html`
  <div class="field"><label for="language">${t('org.language')}</label>
    <select id="language" aria-describedby="language-hint" onChange=${(event) => onValue(event.currentTarget.value)}>
      <option value="" selected=${!value}>${t('org.language.none')}</option>
      ${languages().map((one) => html`<option key=${one} value=${one} selected=${one === value}>${t(`texts.in.${one}`)}</option>`)}
    </select><p class="hint" id="language-hint">${t('org.language.hint')}</p></div>`;

const addressHint = (source) => t(`org.url.${source}`);

/** Only what was changed, and nothing at all as null. */
function changesOf(values, organisation) {
  const known = { name: organisation.name ?? '', colour: organisation.colour ?? '', language: organisation.language ?? '', public_url: storedAddress(organisation) };
  return Object.fromEntries(Object.keys(known).filter((name) => values[name].trim() !== known[name]).map((name) => [name, values[name].trim() || null]));
}

/** The address that somebody set here; where it only comes from the listener, the field is empty. */
const storedAddress = ({ public_url: address, public_url_source: source }) => (source === 'listen' ? '' : address ?? '');

function OrganisationForm({ organisation, onSaved }) {
  const form = useForm({
    name: organisation.name ?? '', colour: organisation.colour ?? '', language: organisation.language ?? '', public_url: storedAddress(organisation),
  });
  const [saved, setSaved] = useState(false);
  const { values, field } = form;
  const source = organisation.public_url_source;
  const colour = values.colour.trim();
  const preview = usePreview({
    name: 'invitation', locale: values.language || currentLanguage(),
    variables: { ...(values.name.trim() && { org_name: values.name.trim() }), ...(COLOUR.test(colour) && { colour: colour.toLowerCase() }) },
  });
  const save = async (now) => {
    await admin.changeOrganisation(changesOf(now, organisation));
    setSaved(true);
    announce(t('form.saved'));
    onSaved();
  };
  return html`
    <div class="columns even">
      <form class="card settings" ref=${form.ref} novalidate aria-label=${t('nav.organisation')} onInput=${() => setSaved(false)} onSubmit=${form.submit(checkAgainst(storedAddress(organisation)), save)}>
        <${Field} ...${field('name', 'org.name', { optional: true, hint: t('org.name.hint'), autocomplete: 'organization', maxlength: 128 })} />
        <${ColourField} value=${values.colour} fault=${form.faults.colour} onValue=${form.set('colour')} />
        <${LanguageField} value=${values.language} onValue=${form.set('language')} />
        <${Field} ...${field('public_url', 'org.url', { inputmode: 'url', hint: addressHint(source), disabled: source === 'operator', placeholder: location.origin,
          spellcheck: 'false', autocomplete: 'off', maxlength: 255 })} />
        ${form.problem && html`<${Notice} tone="bad" role="alert">${form.problem}<//>`}
        <div class="buttons"><button type="submit" class="primary" aria-disabled=${form.busy ? 'true' : undefined}>${t('form.save')}</button></div>
        ${saved && html`<${Notice} tone="good">${t('form.saved')}<//>`}
      </form>
      <div class="column beside"><${MailPreview} preview=${preview} /><p class="hint"><a href="#/mail-texts">${t('org.to_texts')}</a></p></div>
    </div>`;
}

export function OrganisationPage() {
  const { answer: organisation, problem, again } = useAnswer(admin.organisation);
  return html`
    <header class="page-head"><h1 tabindex="-1">${t('nav.organisation')}</h1><p class="lead">${t('org.lead')}</p></header>
    <${Problem} text=${problem} onRetry=${again} />
    ${!organisation && !problem && html`<p class="loading">${t('loading')}</p>`}
    ${organisation && html`<${OrganisationForm} organisation=${organisation} onSaved=${again} /><${KeysCard} />`}`;
}
