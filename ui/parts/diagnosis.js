// What went wrong, in one sentence, and what mends it: in words, and as buttons where one can help. Below, on request, the
// redacted conversation.
import { useId } from 'preact/hooks';
import { showSoon } from '../focus.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { update } from '../store.js';
import { CopyButton } from './copy-button.js';
import { Icon } from './icon.js';

/** "535 5.7.8 …": code, enhanced code and words; the enhanced code only once. */
export function replyText(reply, enhanced, text) {
  const said = [reply, text].filter(Boolean).join(' ');
  return enhanced && !said.includes(enhanced) ? said.replace(/^\d{3}/, `$& ${enhanced}`) : said;
}

const SETTINGS = '#/settings/email';
/** What is somewhere else and no change of settings: its address, and the card there. */
const PLACES = { open_domain_card: [`${SETTINGS}/domain`, '#domain-card'] };
/** Whoever is there already is led nowhere by the address. */
const showAgain = ([address, card]) => { if (location.hash === address) showSoon(card); };
/** What no button here can do: it is said, and the person does it. */
const WORDS_ONLY = ['check_clock'];
/** Those of no use away from the check that failed. */
const HERE_ONLY = ['retry_later'];

/** For the settings page, from wherever the button stands: it opens its form, fills it in and checks. */
function handOver(action) {
  update({ mending: action });
  if (!location.hash.startsWith(SETTINGS)) location.hash = SETTINGS;
}

const Action = ({ action, primary, onAction }) => {
  const { code, label, url } = action;
  const look = primary ? 'small primary' : 'small';
  if (url) {
    return html`<a class=${`button ${look}`} data-action=${code} href=${url} target="_blank" rel="noopener noreferrer">${label}<${Icon} name="external" /></a>`;
  }
  if (PLACES[code]) return html`<a class=${`button ${look}`} data-action=${code} href=${PLACES[code][0]} onClick=${() => showAgain(PLACES[code])}>${label}</a>`;
  return html`<button type="button" class=${look} data-action=${code} onClick=${() => (onAction ?? handOver)(action)}>${label}</button>`;
};

/** A text for somebody else, to be passed on. */
function ForOthers({ action: { code, label, text } }) {
  const id = useId(); // several on one page, each with a text of its own
  return html`
    <details class="for-others" data-action=${code}><summary>${label}</summary>
      <p id=${id}>${text}</p><${CopyButton} id=${id} what=${t('diagnosis.text')} /></details>`;
}

/** The buttons of a diagnosis. onAction(action): what a click does under a check; without it the settings page is given the action. */
function Actions({ diagnosis, onAction, children }) {
  const actions = (diagnosis.actions ?? []).filter(({ code }) => onAction || !HERE_ONLY.includes(code));
  const words = actions.filter(({ code, url }) => WORDS_ONLY.includes(code) && !url);
  const texts = actions.filter(({ text }) => text);
  const buttons = actions.filter((action) => !words.includes(action) && !texts.includes(action));
  return html`
    ${words.length > 0 && html`<ul class="bullets">${words.map(({ code, label }) => html`<li key=${code} data-action=${code}>${label}</li>`)}</ul>`}
    ${(buttons.length > 0 || children) && html`
      <div class="buttons">${buttons.map((action, i) => html`
        <${Action} key=${action.code + i} action=${action} primary=${i === 0} onAction=${onAction} />`)}${children}</div>`}
    ${texts.map((action) => html`<${ForOthers} key=${action.code} action=${action} />`)}`;
}

/** What can be done about it: the buttons, and the page of the manual. Wherever a diagnosis is shown, this belongs to it. */
export const Remedy = ({ diagnosis, onAction, children }) => html`
  <${Actions} diagnosis=${diagnosis} onAction=${onAction}>${children}<//>
  ${diagnosis.manual_url && html`
    <p><a href=${diagnosis.manual_url} target="_blank" rel="noopener noreferrer">${t('diagnosis.manual')}<${Icon} name="external" /></a></p>`}`;

/** id: where it is to be led to. */
export const Diagnosis = ({ id, diagnosis, onAction, onGoToField, children }) => html`
  <div class="diagnosis" id=${id} tabindex=${id ? -1 : undefined} data-diagnosis=${diagnosis.id}>
    <p class="meaning"><${Icon} name="alert" /><strong>${diagnosis.meaning}</strong></p>
    ${diagnosis.fix && html`<p class="fix"><span>${t('diagnosis.fix')}</span> ${diagnosis.fix}</p>`}
    ${children}
    ${diagnosis.reply && html`
      <p class="reply"><span>${t('diagnosis.reply')}</span> <code>${replyText(diagnosis.reply, diagnosis.enhanced)}</code></p>`}
    <${Remedy} diagnosis=${diagnosis} onAction=${onAction}>
      ${onGoToField && !diagnosis.actions?.some(({ code }) => code === 'enter_password_again') && html`<button type="button" class="small" onClick=${onGoToField}>${t('diagnosis.go_to_field')}</button>`}<//>
  </div>`;

export const Conversation = ({ transcript }) => transcript?.length > 0 && html`
  <details class="conversation">
    <summary>${t('conversation.show')}</summary>
    <p class="hint">${t('conversation.redacted')}</p>
    <ol tabindex="0" aria-label=${t('conversation.title')}>
      ${transcript.map(({ from, text }) => html`
        <li class=${from}><span class="who">${t(`conversation.${from}`)}</span><code>${text}</code></li>`)}
    </ol>
  </details>`;
