// What went wrong, in one sentence, and what mends it: in words, and as buttons where one can help. Below, on request, the
// redacted conversation.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { CopyButton } from './copy-button.js';
import { Icon } from './icon.js';

/** "535 5.7.8 …": code, enhanced code and words; the enhanced code only once. */
export function replyText(reply, enhanced, text) {
  const said = [reply, text].filter(Boolean).join(' ');
  return enhanced && !said.includes(enhanced) ? said.replace(/^\d{3}/, `$& ${enhanced}`) : said;
}

const SETTINGS = '#/settings/email';
/** Where a button that changes settings leads when it stands on another page. */
const PLACES = { open_domain_card: `${SETTINGS}/domain`, enter_password_again: `${SETTINGS}/password` };
/** What no button here can do: it is said, and the person does it. */
const WORDS_ONLY = ['check_clock'];
/** Those of no use away from the check that failed. */
const HERE_ONLY = ['retry_later'];

const Action = ({ action, primary, onAction, disabled }) => {
  const { code, label, url } = action;
  const look = primary ? 'small primary' : 'small';
  if (url) {
    return html`<a class=${`button ${look}`} data-action=${code} href=${url} target="_blank" rel="noopener noreferrer">${label}<${Icon} name="external" /></a>`;
  }
  if (!onAction) return html`<a class=${`button ${look}`} data-action=${code} href=${PLACES[code] ?? `${SETTINGS}/edit`}>${label}</a>`;
  return html`<button type="button" class=${look} data-action=${code} disabled=${disabled} onClick=${() => onAction(action)}>${label}</button>`;
};

/** A text for somebody else, to be passed on. */
const ForOthers = ({ action: { code, label, text } }) => html`
  <details class="for-others" data-action=${code}><summary>${label}</summary>
    <p id=${`action-${code}`}>${text}</p><${CopyButton} id=${`action-${code}`} what=${t('diagnosis.text')} /></details>`;

/** The buttons of a diagnosis. onAction(action): what a click does on the settings page; without it they lead there. */
export function Actions({ diagnosis, onAction, disabled, children }) {
  const actions = (diagnosis.actions ?? []).filter(({ code }) => onAction || !HERE_ONLY.includes(code));
  const words = actions.filter(({ code, url }) => WORDS_ONLY.includes(code) && !url);
  const texts = actions.filter(({ text }) => text);
  const buttons = actions.filter((action) => !words.includes(action) && !texts.includes(action));
  return html`
    ${words.length > 0 && html`<ul class="bullets">${words.map(({ code, label }) => html`<li key=${code} data-action=${code}>${label}</li>`)}</ul>`}
    ${(buttons.length > 0 || children) && html`
      <div class="buttons">${buttons.map((action, i) => html`
        <${Action} key=${action.code + i} action=${action} primary=${i === 0} onAction=${onAction} disabled=${disabled} />`)}${children}</div>`}
    ${texts.map((action) => html`<${ForOthers} key=${action.code} action=${action} />`)}`;
}

export const Diagnosis = ({ diagnosis, onAction, onGoToField, disabled, children }) => html`
  <div class="diagnosis" data-diagnosis=${diagnosis.id}>
    <p class="meaning"><${Icon} name="alert" /><strong>${diagnosis.meaning}</strong></p>
    ${diagnosis.fix && html`<p class="fix"><span>${t('diagnosis.fix')}</span> ${diagnosis.fix}</p>`}
    ${children}
    ${diagnosis.reply && html`
      <p class="reply"><span>${t('diagnosis.reply')}</span> <code>${replyText(diagnosis.reply, diagnosis.enhanced)}</code></p>`}
    <${Actions} diagnosis=${diagnosis} onAction=${onAction} disabled=${disabled}>
      ${onGoToField && html`<button type="button" class="small" onClick=${onGoToField}>${t('diagnosis.go_to_field')}</button>`}<//>
    ${diagnosis.manual_url && html`
      <p><a href=${diagnosis.manual_url} target="_blank" rel="noopener noreferrer">${t('diagnosis.manual')}<${Icon} name="external" /></a></p>`}
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
