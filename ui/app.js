// Start: language, session, then the page that the address names. What the addresses mean stands in routes.js.
import { render } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, errorText } from './api.js';
import { html } from './html.js';
import { loadLanguage, preferredLanguage, t } from './i18n.js';
import { Banners, ConnectionBanner } from './parts/banner.js';
import { NotLoaded } from './parts/nowhere.js';
import { Brand, Preferences, Side } from './parts/side.js';
import { fetchEarly, fetchModule, isThere, moduleOf, placeOf, replaceStart } from './routes.js';
import { takeReturned } from './returned.js';
import { announce, app, loadSession, takeSession, useApp } from './store.js';
import { startTheme } from './theme.js';

function useHash() {
  const [hash, setHash] = useState(location.hash);
  useLayoutEffect(() => { // before the page can be clicked
    const changed = () => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return hash;
}

/** Where one is: the page before stays until the module of the next one is there. Outside it does not: it may be of somebody who has signed out. */
function usePlace(hash, session) {
  const [, redraw] = useState(0);
  const shown = useRef(null);
  const { route, given } = placeOf(hash, session);
  const ready = isThere(route);
  useEffect(() => {
    let ended = false;
    if (!ready) fetchModule(route).then(() => { if (!ended) redraw((n) => n + 1); });
    return () => { ended = true; };
  }, [route, ready]);
  if (ready || route.access === 'outside') shown.current = { route, given, hash };
  return shown.current;
}

const skip = (event) => {
  event.preventDefault();
  document.getElementById('main').focus();
};

function App() {
  const { session, smtp, announcement, connection } = useApp();
  const here = useHash();
  const { route, given, hash } = usePlace(here, session);
  const main = useRef(null);
  const firstPage = useRef(true);
  const outside = route.access === 'outside';
  const onSettings = route.nav === 'settings'; // where an empty page need not say that nothing is sent
  const title = t(route.title);

  useEffect(() => { document.title = `${title} · Absender`; }, [title]);
  useEffect(() => replaceStart(here, session), [here, session]);
  useEffect(() => { // a new page is announced by its heading, unless it begins elsewhere by itself
    if (!firstPage.current) {
      announce(''); // what was said belongs to the page before
      if (!main.current?.querySelector(':focus')) {
        scrollTo(0, 0);
        main.current?.querySelector('h1')?.focus({ preventScroll: true });
      }
    }
    firstPage.current = false;
  }, [hash, outside]);

  const page = !isThere(route) ? html`<p class="loading">${t('loading')}</p>` : route.load && !moduleOf(route) ? html`<${NotLoaded} />` : route.page(moduleOf(route), ...given);
  const live = html`<div class="unseen" role="status" aria-live="polite" key="live"><p key=${announcement.count}>${announcement.text}</p></div>`;
  if (outside) {
    return html`
      <div class="outside">
        <header><${Brand} /><${Preferences} /></header>
        <main id="main" tabindex="-1" ref=${main}>${page}</main>
        ${live}
      </div>`;
  }
  return html`
    <div class="shell">
      <a class="skip" href="#main" onClick=${skip}>${t('nav.skip')}</a>
      <${Side} session=${session} current=${route.nav} />
      <div class="content">
        <${ConnectionBanner} lost=${connection.lost} />
        ${!(onSettings && smtp && !smtp.sending_with) && html`<${Banners} smtp=${smtp} onSettings=${onSettings} />`}
        <main id="main" tabindex="-1" ref=${main}>${page}</main>
        <footer>Absender ${session.version}${session.dev ? ` · ${t('nav.dev')}` : ''}</footer>
      </div>
      ${live}
    </div>`;
}

async function start() {
  startTheme();
  takeReturned();
  const root = document.getElementById('app');
  const session = api.session().catch(() => null); // asked again below, when there are words for what is wrong
  fetchEarly(location.hash);
  await loadLanguage(preferredLanguage());
  try {
    const found = await session;
    if (found) takeSession(found);
    else await loadSession();
    const { route } = placeOf(location.hash, app().session);
    if (!isThere(route)) await fetchModule(route);
    render(html`<${App} />`, root);
  } catch (error) {
    render(html`<main class="outside"><div class="card gate" role="alert"><h1>${t('unreachable.title')}</h1><p>${errorText(error)}</p>
      <button type="button" class="primary" onClick=${() => location.reload()}>${t('unreachable.again')}</button></div></main>`, root);
  }
}

start();
