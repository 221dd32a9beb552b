// Around every page of somebody who is signed in: where one can go, and what is to be known before anything else.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Banners, ConnectionBanner } from './banner.js';
import { Side } from './side.js';

const skip = (event) => {
  event.preventDefault();
  document.getElementById('main').focus();
};

/** nav: the entry of the page; main: the page, said: what the live region says of it. */
export function Shell({ app: { session, smtp, connection }, nav, main, said }) {
  const onSettings = nav === 'settings'; // where an empty page need not say that nothing is sent
  return html`
    <div class="shell">
      <a class="skip" href="#main" onClick=${skip}>${t('nav.skip')}</a>
      <${Side} session=${session} current=${nav} />
      <div class="content">
        <${ConnectionBanner} lost=${connection.lost} />
        ${!(onSettings && smtp && !smtp.sending_with) && html`<${Banners} smtp=${smtp} onSettings=${onSettings} />`}
        ${main}
        <footer>Absender ${session.version}${session.dev ? ` · ${t('nav.dev')}` : ''}</footer>
      </div>
      ${said}
    </div>`;
}
