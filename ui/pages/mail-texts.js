// Mail texts: what the service writes by itself and what applications send by name; ours, or the organisation's own.
import { useState } from 'preact/hooks';
import { admin } from '../admin-api.js';
import { html } from '../html.js';
import { currentLanguage, languages, t } from '../i18n.js';
import { useAnswer } from '../parts/answer.js';
import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { Icon } from '../parts/icon.js';
import { Notice, Problem } from '../parts/notice.js';
import { Time } from '../parts/time.js';
import { needStyles } from '../styles.js';

await needStyles('lists', 'admin');

const place = (name, locale) => `#/mail-texts/${name}/${locale}`;

const Entry = ({ template }) => html`
  <li class="card entry" data-text=${template.name}>
    <header class="card-head"><h2><a href=${place(template.name, template.locale)}>${template.title}</a></h2>
      ${template.is_own ? html`<span class="badge info"><${Icon} name="pencil" />${t('texts.own')}</span>` : html`<span class="badge">${t('texts.ours')}</span>`}</header>
    ${template.purpose && html`<p>${template.purpose}</p>`}
    <p class="hint"><code>${template.name}</code> · ${template.subject}
      ${template.changed_at && html` · ${t('texts.changed')} <${Time} at=${template.changed_at} near />`}</p>
  </li>`;

const focusOnce = (heading) => heading?.focus();

/** The name of a text of their own; it is kept only once it has words. */
function NameForm({ taken, locale, onCancel }) {
  const form = useForm({ name: '' });
  const check = ({ name }) => ({
    name: !/^[a-z][a-z0-9_]{0,62}$/.test(name.trim()) ? t('texts.bad_name') : taken.includes(name.trim()) ? t('texts.taken') : '',
  });
  return html`
    <form class="card settings" ref=${form.ref} novalidate aria-labelledby="text-form-title" onSubmit=${form.submit(check, async ({ name }) => { location.hash = place(name.trim(), locale); })}>
      <h2 id="text-form-title" tabindex="-1" ref=${focusOnce}>${t('texts.new')}</h2>
      <${Field} ...${form.field('name', 'texts.name', { required: true, hint: t('texts.name.hint'), autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', maxlength: 63 })} />
      ${form.problem && html`<${Notice} tone="bad" role="alert">${form.problem}<//>`}
      <div class="buttons"><button type="submit" class="primary">${t('flow.next')}</button><button type="button" onClick=${onCancel}>${t('action.cancel')}</button></div>
    </form>`;
}

export function MailTextsPage() {
  const [locale, setLocale] = useState(currentLanguage());
  const [isOpen, setOpen] = useState(false);
  const { answer: templates, problem, again } = useAnswer(() => admin.templates(locale), locale);
  return html`
    <header class="page-head row">
      <div><h1 tabindex="-1">${t('nav.texts')}</h1><p class="lead">${t('texts.lead')}</p></div>
      ${!isOpen && html`<button type="button" onClick=${() => setOpen(true)}>${t('texts.new')}</button>`}
    </header>
    <div class="segments choose" role="group" aria-label=${t('texts.language')}>${languages().map((one) => html`
      <button type="button" key=${one} aria-pressed=${one === locale ? 'true' : 'false'} onClick=${() => setLocale(one)}>${t(`texts.in.${one}`)}</button>`)}</div>
    ${isOpen && html`<${NameForm} taken=${(templates ?? []).map(({ name }) => name)} locale=${locale} onCancel=${() => setOpen(false)} />`}
    <${Problem} text=${problem} onRetry=${again} />
    ${!templates && !problem && html`<p class="loading">${t('loading')}</p>`}
    ${templates && html`<ul class="entries two">${templates.map((one) => html`<${Entry} key=${`${one.name} ${one.locale}`} template=${one} />`)}</ul>`}
    <p class="below"><a href="#/organisation">${t('texts.to_organisation')}</a></p>`;
}
