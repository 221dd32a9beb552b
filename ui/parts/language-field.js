// The language in which a person gets mail.
import { html } from '../html.js';
import { languages, t } from '../i18n.js';

export const LanguageField = ({ value, hint, onValue }) => html`
  <div class="field">
    <label for="language">${t('language.label')}</label>
    <select id="language" aria-describedby=${hint && 'language-hint'} onChange=${(event) => onValue(event.currentTarget.value)}>
      ${languages().map((language) => html`<option key=${language} value=${language} selected=${language === value} lang=${language}>${t(`language.${language}`)}</option>`)}
    </select>
    ${hint && html`<p class="hint" id="language-hint">${hint}</p>`}
  </div>`;
