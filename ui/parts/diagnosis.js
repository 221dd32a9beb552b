// What went wrong, in one sentence, and what mends it; below, on request, the redacted conversation.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';

/** "535 5.7.8 …": code, enhanced code and words; the enhanced code only once. */
export function replyText(reply, enhanced, text) {
  const said = [reply, text].filter(Boolean).join(' ');
  return enhanced && !said.includes(enhanced) ? said.replace(/^\d{3}/, `$& ${enhanced}`) : said;
}

export const Diagnosis = ({ diagnosis, onGoToField }) => html`
  <div class="diagnosis" data-diagnosis=${diagnosis.id}>
    <p class="meaning"><${Icon} name="alert" /><strong>${diagnosis.meaning}</strong></p>
    <p class="fix"><span>${t('diagnosis.fix')}</span> ${diagnosis.fix}</p>
    ${diagnosis.reply && html`
      <p class="reply"><span>${t('diagnosis.reply')}</span> <code>${replyText(diagnosis.reply, diagnosis.enhanced)}</code></p>`}
    ${onGoToField && html`
      <button type="button" class="small" onClick=${onGoToField}>${t('diagnosis.go_to_field')}</button>`}
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
