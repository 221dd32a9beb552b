// One mail text: subject, plain text and HTML, with what may be filled in, and beside it what becomes of it while one types.
import { useEffect, useRef } from 'preact/hooks';
import { admin } from '../admin-api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { languages, t } from '../i18n.js';
import { useAnswer } from '../parts/answer.js';
import { AreaField } from '../parts/area-field.js';
import { useAsking, useDeed } from '../parts/deed.js';
import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { Icon } from '../parts/icon.js';
import { MailPreview, usePreview } from '../parts/mail-preview.js';
import { Notice, Problem } from '../parts/notice.js';
import { Question } from '../parts/question.js';
import { announce, useApp } from '../store.js';
import { needStyles } from '../styles.js';

await needStyles('lists', 'admin');

const PARTS = ['subject', 'text', 'html'];
const wordsOf = (template) => Object.fromEntries(PARTS.map((name) => [name, template?.[name] ?? '']));
const areSame = (a, b) => PARTS.every((name) => a[name] === b[name]);

/** What was typed and not kept, by text: it is there again when somebody comes back to the page. */
const unsaved = new Map();

/** Puts `{{name}}` where the cursor was last. */
function insert(field, name, onValue) {
  const words = `{{${name}}}`;
  const { selectionStart: from, selectionEnd: to, value } = field;
  onValue(value.slice(0, from) + words + value.slice(to));
  setTimeout(() => {
    field.focus();
    field.setSelectionRange(from + words.length, from + words.length);
  });
}

const Variables = ({ variables, onPick }) => variables?.length > 0 && html`
  <section class="variables" aria-labelledby="variables-title">
    <h3 id="variables-title">${t('texts.variables')}</h3><p class="hint">${t('texts.variables.hint')}</p>
    <ul>${variables.map(({ name, text, sample }) => html`
      <li key=${name}><button type="button" class="small" aria-label=${t('texts.insert', { name })} onClick=${() => onPick(name)}><code>${`{{${name}}}`}</code></button>
        <span>${text}${sample && html` <span class="hint">${t('texts.sample', { sample })}</span>`}</span></li>`)}</ul>
  </section>`;

const check = ({ subject, text }) => ({ subject: subject.trim() ? '' : t('fault.required'), text: text.trim() ? '' : t('fault.required') });

/** What is done with a text of one's own: back to ours, or gone. */
function Remove({ template, onRemoved }) {
  const { asking, row, ask, settle, cancel } = useAsking();
  const { busy, problem, run } = useDeed();
  const key = template.is_system ? 'texts.back' : 'texts.remove';
  const remove = async () => {
    await admin.removeTemplate(template.id);
    settle();
    onRemoved();
  };
  return html`
    <div class="buttons" ref=${row}>
      ${asking ? html`<${Question} id="text-question" text=${t(template.is_system ? 'texts.back_sure' : 'texts.remove_sure')} button=${t(key)} danger busy=${busy}
          onYes=${() => run(remove)} onNo=${cancel} no=${t('action.cancel')} />`
        : html`<button type="button" class="danger" data-ask="remove" onClick=${() => ask('remove')}>${t(key)}</button>`}
      <${Problem} text=${problem} />
    </div>`;
}

function Editor({ template, name, locale, onChanged, onGone }) {
  const key = `${name} ${locale}`;
  const stored = wordsOf(template);
  const form = useForm(unsaved.get(key) ?? stored);
  const last = useRef('text'); // the field that the cursor was in
  const { smtp } = useApp();
  const { values, field } = form;
  const isChanged = !areSame(values, stored);
  const hasWords = values.subject.trim() && values.text.trim();
  const preview = usePreview(hasWords ? { name, locale, subject: values.subject, text: values.text, ...(values.html.trim() && { html: values.html }) } : null);

  const before = useRef(stored);
  useEffect(() => { // kept or given up elsewhere: what nobody has touched follows
    if (areSame(values, before.current)) form.put(stored);
    before.current = stored;
  }, PARTS.map((one) => stored[one]));
  useEffect(() => {
    if (isChanged) unsaved.set(key, values);
    else unsaved.delete(key);
    const stay = (event) => { if (isChanged) event.preventDefault(); };
    addEventListener('beforeunload', stay);
    return () => removeEventListener('beforeunload', stay);
  }, [values, isChanged]);

  const save = async ({ subject, text, html: markup }) => {
    form.put(wordsOf(await admin.saveTemplate({ name, locale, subject, text, ...(markup.trim() && { html: markup }) })));
    announce(t('form.saved'));
    onChanged();
  };
  const forget = () => form.put(stored);
  const removed = () => {
    forget();
    document.getElementById('words-title').focus();
    announce(t(template.is_system ? 'texts.is_back' : 'texts.removed'));
    onGone();
  };
  const area = (id, label, more) => ({ ...field(id, label, more), onFocus: () => { last.current = id; } });
  const { from_name: from, from_email: address } = smtp?.sending_with ?? {};
  const sender = address && (from ? `${from} <${readable(address)}>` : readable(address));

  return html`
    <div class="columns even">
      <div class="column">
        <form class="card settings" ref=${form.ref} novalidate aria-labelledby="words-title" onSubmit=${form.submit(check, save)}>
          <header class="card-head"><h2 id="words-title" tabindex="-1">${t('texts.words')}</h2><span class="hint saved" role="status">${isChanged ? t('texts.unsaved') : ''}</span></header>
          <${Field} ...${area('subject', 'outbox.subject', { required: true, autocomplete: 'off', maxlength: 500 })} />
          <${AreaField} ...${area('text', 'texts.text', { required: true, rows: 14, hint: t('texts.text.hint') })} />
          <${AreaField} ...${area('html', 'texts.html', { optional: true, rows: 14, hint: t('texts.html.hint') })} />
          <${Variables} variables=${template.variables} onPick=${(variable) => insert(document.getElementById(last.current), variable, form.set(last.current))} />
          ${form.problem && html`<${Notice} tone="bad" role="alert">${form.problem}<//>`}
          <div class="buttons"><button type="submit" class="primary" aria-disabled=${form.busy || !isChanged ? 'true' : undefined}>${t('form.save')}</button>
            ${isChanged && html`<button type="button" onClick=${forget}>${t('texts.discard')}</button>`}</div>
        </form>
        ${template.is_own && template.id && html`<${Remove} template=${template} onRemoved=${removed} />`}
      </div>
      <div class="column beside"><${MailPreview} preview=${preview} sender=${sender} /></div>
    </div>`;
}

/** A text that does not exist yet: of an application's own, with the words to begin with. */
const blank = (name, locale) => ({ id: null, name, locale, title: name, purpose: t('texts.new.purpose'), is_system: false, is_own: false, subject: '', text: '', html: '', variables: [] });

export function MailTextPage({ name, locale }) {
  const { answer: templates, problem, again } = useAnswer(() => admin.templates(locale), locale);
  const template = templates && (templates.find((one) => one.name === name && one.locale === locale) ?? blank(name, locale));
  const gone = () => {
    if (template.is_system) again();
    else location.hash = '#/mail-texts';
  };
  return html`
    <p class="back"><a href="#/mail-texts"><${Icon} name="left" />${t('nav.texts')}</a></p>
    <${Problem} text=${problem} onRetry=${again} />
    <header class="page-head row">
      <div><h1 tabindex="-1">${template?.title ?? name}</h1>${template?.purpose && html`<p class="lead">${template.purpose}</p>`}</div>
      <nav class="segments" aria-label=${t('texts.language')}>${languages().map((one) => html`
        <a key=${one} href=${`#/mail-texts/${name}/${one}`} aria-current=${one === locale ? 'page' : undefined}>${t(`texts.in.${one}`)}</a>`)}</nav>
    </header>
    ${!template && !problem && html`<p class="loading">${t('loading')}</p>`}
    ${template && html`<${Editor} template=${template} name=${name} locale=${locale} onChanged=${again} onGone=${gone} />`}`;
}
