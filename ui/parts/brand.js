// On every page, inside and outside: the name of the house, the language and the look.
import { html } from '../html.js';
import { chooseLanguage, currentLanguage, languages, t } from '../i18n.js';
import { restartStream, update } from '../store.js';
import { nextTheme } from '../theme.js';
import { Icon } from './icon.js';

async function switchLanguage(language) {
  try {
    await chooseLanguage(language);
    update({});
    await restartStream();
  } catch {
    // The server does not answer: the language stays, and the stream asks again by itself.
  }
}

export const Preferences = () => html`
  <div class="preferences">
    <div class="segments small" role="group" aria-label=${t('language.label')}>
      ${languages().map((language) => html`
        <button type="button" key=${language} lang=${language} aria-pressed=${language === currentLanguage() ? 'true' : 'false'}
          aria-label=${t(`language.${language}`)} onClick=${() => switchLanguage(language)}>${language.toUpperCase()}</button>`)}
    </div>
    <button type="button" class="ghost" aria-label=${t('theme.toggle')} title=${t('theme.toggle')} onClick=${nextTheme}><${Icon} name="contrast" /></button>
  </div>`;

/** icon.svg once more: as a picture it would be a document of its own, which takes longer than all else that is drawn here. */
const Stamp = () => html`
  <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round">
    <rect width="32" height="32" rx="8" fill="#3454d1" stroke="none" /><path d="M7.5 11.2 16 17.4l8.5-6.2" /><path d="M7.5 21.2h8.6" stroke-opacity=".65" />
    <circle cx="22.6" cy="21.2" r="2.2" fill="#fff" stroke="none" />
  </svg>`;

export const Brand = ({ home = '#/' }) => html`<a class="brand" href=${home}><${Stamp} /><span>Absender</span></a>`;
