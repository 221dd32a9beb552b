// What is drawn: the page that the address names, and the frame around it. What the addresses mean stands in routes.js.
import { h, render } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { errorText } from './api.js';
import { html } from './html.js';
import { t } from './i18n.js';
import { Brand, Preferences } from './parts/brand.js';
import { fetchRoute, isThere, moduleOf, placeOf, replaceStart, shell } from './routes.js';
import { announce, app, loadSession, takeSession, useApp } from './store.js';

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
    if (!ready) fetchRoute(route).then(() => { if (!ended) redraw((n) => n + 1); });
    return () => { ended = true; };
  }, [route, ready]);
  if (ready || route.access === 'outside') shown.current = { route, given, hash };
  return shown.current;
}

/** What did not come, and the way to ask once more: for a browser does not ask for a module twice, only a new start does. */
const Missing = ({ title, words }) => html`
  <div class="card gate" role="alert"><h1 tabindex="-1">${title}</h1><p>${words}</p>
    <button type="button" class="primary" onClick=${() => location.reload()}>${t('unreachable.again')}</button></div>`;

function App() {
  const state = useApp();
  const { session, announcement } = state;
  const here = useHash();
  const { route, given, hash } = usePlace(here, session);
  const main = useRef(null);
  const firstPage = useRef(true);
  const outside = route.access === 'outside';
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

  const module = moduleOf(route);
  const page = !isThere(route) ? html`<p class="loading">${t('loading')}</p>` : module ? h(...route.page(module, ...given))
    : html`<${Missing} title=${t('not_loaded.title')} words=${t('error.network')} />`;
  const content = html`<main id="main" tabindex="-1" ref=${main}>${page}</main>`;
  const live = html`<div class="unseen" role="status" aria-live="polite" key="live"><p key=${announcement.count}>${announcement.text}</p></div>`;
  const Shell = shell();
  if (!outside && Shell) return html`<${Shell} app=${state} nav=${route.nav} main=${content} said=${live} />`;
  return html`
    <div class="outside">
      <header><${Brand} /><${Preferences} /></header>
      ${content}
      ${live}
    </div>`;
}

/** The first time: session, page: promises of who is signed in, or null, and of the page that the address leads to. */
export async function begin(session, page) {
  const root = document.getElementById('app');
  try {
    const found = await session;
    if (found) takeSession(found);
    else await loadSession(); // asked again, now that there are words for what is wrong
    await page;
    const { route } = placeOf(location.hash, app().session);
    if (!isThere(route)) await fetchRoute(route);
    render(html`<${App} />`, root);
  } catch (error) {
    render(html`<main class="outside"><${Missing} title=${t('unreachable.title')} words=${errorText(error)} /></main>`, root);
  }
}
