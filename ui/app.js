// Start: language, session, then the page that the address names. Routes live behind the #.
import { render } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { errorText } from './api.js';
import { html } from './html.js';
import { chooseLanguage, currentLanguage, languages, loadLanguage, preferredLanguage, t } from './i18n.js';
import { ArrivedPage } from './pages/arrived.js';
import { CapturePage } from './pages/capture.js';
import { EmailPage } from './pages/email.js';
import { OutboxPage } from './pages/outbox.js';
import { SandboxPage } from './pages/sandbox.js';
import { SettingsEmailPage } from './pages/settings-email.js';
import { SetupPage } from './pages/setup.js';
import { SignInPage } from './pages/sign-in.js';
import { Banners, ConnectionBanner } from './parts/banner.js';
import { Icon } from './parts/icon.js';
import { announce, loadSession, restartStream, signOut, update, useApp } from './store.js';
import { nextTheme, startTheme } from './theme.js';

const HOME = '#/settings/email';
const ROUTES = [
  { path: /^#\/settings\/email(?:\/(password|test|domain|edit))?$/, nav: 'settings', title: 'settings.page', page: (aim) => html`<${SettingsEmailPage} aim=${aim} />` },
  { path: /^#\/outbox(?:\?.*)?$/, nav: 'outbox', title: 'nav.outbox', page: () => html`<${OutboxPage} />` },
  { path: /^#\/outbox\/([\w-]+)$/, nav: 'outbox', title: 'email.title', page: (id) => html`<${EmailPage} key=${id} id=${id} />` },
  { path: /^#\/sandbox$/, nav: 'sandbox', title: 'nav.sandbox', page: () => html`<${SandboxPage} />` },
  { path: /^#\/sandbox\/([\w-]+)$/, nav: 'sandbox', title: 'nav.sandbox', page: (id) => html`<${CapturePage} key=${id} id=${id} />` },
];
const SETUP = /^#\/setup\/([\w-]+)$/;
const ARRIVED = /^#\/arrived\/([\w-]+)$/; // the link in a test mail: whoever reads it need not sign in

function useHash() {
  const [hash, setHash] = useState(location.hash);
  useLayoutEffect(() => { // before the page can be clicked
    const changed = () => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return hash;
}

async function switchLanguage(language) {
  try {
    await chooseLanguage(language);
    update({});
    await restartStream();
  } catch {
    // The server does not answer: the language stays, and the stream asks again by itself.
  }
}

const Preferences = () => html`
  <div class="preferences">
    <div class="segments small" role="group" aria-label=${t('language.label')}>
      ${languages().map((language) => html`
        <button type="button" key=${language} lang=${language} aria-pressed=${language === currentLanguage() ? 'true' : 'false'}
          aria-label=${t(`language.${language}`)} onClick=${() => switchLanguage(language)}>${language.toUpperCase()}</button>`)}
    </div>
    <button type="button" class="ghost" aria-label=${t('theme.toggle')} title=${t('theme.toggle')} onClick=${nextTheme}><${Icon} name="contrast" /></button>
  </div>`;

const Brand = () => html`
  <a class="brand" href=${HOME}><img src="/assets/icon.svg" alt="" width="28" height="28" /><span>Absender</span></a>`;

const NAV = [['settings', 'mail', HOME], ['outbox', 'outbox', '#/outbox'], ['sandbox', 'sandbox', '#/sandbox']];

function Side({ session, current }) {
  return html`
    <header class="side">
      <${Brand} />
      <nav aria-label=${t('nav.label')}>
        <ul>${NAV.filter(([name]) => name !== 'sandbox' || session.sandbox).map(([name, icon, href]) => html`
          <li key=${name}><a href=${href} aria-current=${name === current ? 'page' : undefined}><${Icon} name=${icon} />
            <span>${t(`nav.${name}.short`)}</span></a></li>`)}</ul>
      </nav>
      <div class="side-foot">
        <${Preferences} />
        <div class="account"><span class="who" title=${session.member.email}>${session.member.name || session.member.email}</span>
          <button type="button" class="ghost" aria-label=${t('nav.sign_out')} title=${t('nav.sign_out')} onClick=${() => signOut().catch(() => location.reload())}><${Icon} name="exit" /></button></div>
      </div>
    </header>`;
}

const skip = (event) => {
  event.preventDefault();
  document.getElementById('main').focus();
};

function App() {
  const { session, smtp, announcement, connection } = useApp();
  const hash = useHash();
  const main = useRef(null);
  const firstPage = useRef(true);
  const setup = SETUP.exec(hash);
  const arrived = ARRIVED.exec(hash);
  const inside = session.authenticated && !setup && !arrived;
  const route = ROUTES.find(({ path }) => path.test(hash));
  const onSettings = route?.nav === 'settings'; // where an empty page need not say that nothing is sent
  const title = setup ? t('setup_page.title') : arrived ? t('arrived.title') : !inside ? t('sign_in.title') : route ? t(route.title) : t('not_found.title');

  useEffect(() => { document.title = `${title} · Absender`; }, [title]);
  useEffect(() => {
    if (session.authenticated && (hash === '' || hash === '#/' || hash === '#/sign-in')) location.replace(HOME);
  }, [session.authenticated, hash]);
  useEffect(() => { // a new page is announced by its heading, unless it begins elsewhere by itself
    if (!firstPage.current) {
      announce(''); // what was said belongs to the page before
      if (!main.current?.querySelector(':focus')) {
        scrollTo(0, 0);
        main.current?.querySelector('h1')?.focus({ preventScroll: true });
      }
    }
    firstPage.current = false;
  }, [hash, inside]);

  const live = html`<div class="unseen" role="status" aria-live="polite" key="live"><p key=${announcement.count}>${announcement.text}</p></div>`;
  if (!inside) {
    return html`
      <div class="outside">
        <header><${Brand} /><${Preferences} /></header>
        <main id="main" tabindex="-1" ref=${main}>${setup ? html`<${SetupPage} token=${setup[1]} />`
          : arrived ? html`<${ArrivedPage} key=${arrived[1]} token=${arrived[1]} />`
            : html`<${SignInPage} target=${route ? hash : HOME} />`}</main>
        ${live}
      </div>`;
  }
  return html`
    <div class="shell">
      <a class="skip" href="#main" onClick=${skip}>${t('nav.skip')}</a>
      <${Side} session=${session} current=${route?.nav} />
      <div class="content">
        <${ConnectionBanner} lost=${connection.lost} />
        ${!(onSettings && smtp && !smtp.sending_with) && html`<${Banners} smtp=${smtp} onSettings=${onSettings} />`}
        <main id="main" tabindex="-1" ref=${main}>${route ? route.page(...route.path.exec(hash).slice(1)) : html`
          <h1 tabindex="-1">${t('not_found.title')}</h1><p><a href=${HOME}>${t('not_found.link')}</a></p>`}</main>
        <footer>Absender ${session.version}${session.dev ? ` · ${t('nav.dev')}` : ''}</footer>
      </div>
      ${live}
    </div>`;
}

async function start() {
  startTheme();
  const root = document.getElementById('app');
  await loadLanguage(preferredLanguage());
  try {
    await loadSession();
    render(html`<${App} />`, root);
  } catch (error) {
    render(html`<main class="outside"><div class="card gate" role="alert"><h1>${t('unreachable.title')}</h1><p>${errorText(error)}</p>
      <button type="button" class="primary" onClick=${() => location.reload()}>${t('unreachable.again')}</button></div></main>`, root);
  }
}

start();
