// Beside every page: where one is and where one can go, and who is signed in.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { homeOf, isAdmin } from '../routes.js';
import { signOut, useApp } from '../store.js';
import { Brand, Preferences } from './brand.js';
import { Icon } from './icon.js';

/** What is used daily, and what is arranged once; on a narrow screen the second waits behind a button. */
const DAILY = [['settings', 'mail', '#/settings/email'], ['outbox', 'outbox', '#/outbox'], ['sandbox', 'sandbox', '#/sandbox']];
const ARRANGED = [['people', 'people', '#/people'], ['applications', 'key', '#/applications'], ['webhooks', 'bell', '#/webhooks'],
  ['texts', 'pencil', '#/mail-texts'], ['organisation', 'house', '#/organisation'], ['audit', 'list', '#/audit']];

/** How many wait there for somebody to do something: read out with the entry's name. */
const Waiting = ({ n }) => n > 0 && html`<span class="count" data-waiting=${n}><span aria-hidden="true">${n}</span><span class="unseen">${t('nav.waiting', { n })}</span></span>`;

const Entry = ({ entry: [name, icon, href], current, waiting }) => html`
  <li><a href=${href} aria-current=${name === current ? 'page' : undefined}><${Icon} name=${icon} /><span>${t(`nav.${name}.short`)}</span><${Waiting} n=${waiting?.[name]} /></a></li>`;

/** The button stands on narrow screens only; elsewhere all of it is always open. */
function Arranged({ current }) {
  const waiting = { people: useApp().smtp?.resets_to_hand_over }; // links for a forgotten password
  const [open, setOpen] = useState(false);
  const button = useRef(null);
  useEffect(() => { setOpen(false); }, [current]);
  useLayoutEffect(() => { // as soon as it is open Escape closes it, however busy the machine
    if (!open) return undefined;
    const close = ({ key }) => {
      if (key !== 'Escape') return;
      setOpen(false);
      button.current.focus();
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, [open]);
  const here = ARRANGED.some(([name]) => name === current);
  return html`
    <button type="button" ref=${button} class=${`ghost unfold-nav ${here ? 'here' : ''}`} aria-expanded=${open ? 'true' : 'false'} aria-controls="nav-arranged" onClick=${() => setOpen(!open)}>
      <${Icon} name="menu" /><span>${t('nav.more')}</span><${Waiting} n=${waiting.people} /></button>
    <ul id="nav-arranged" class=${open ? 'arranged open' : 'arranged'} aria-label=${t('nav.arranged')}>${ARRANGED.map((entry) => html`<${Entry} key=${entry[0]} entry=${entry} current=${current} waiting=${waiting} />`)}</ul>`;
}

export function Side({ session, current }) {
  const daily = DAILY.filter(([name]) => name !== 'sandbox' || session.sandbox);
  const who = session.member.name || session.member.email;
  return html`
    <header class="side">
      <${Brand} home=${homeOf(session)} />
      ${isAdmin(session) && html`
        <nav aria-label=${t('nav.label')}>
          <ul>${daily.map((entry) => html`<${Entry} key=${entry[0]} entry=${entry} current=${current} />`)}</ul>
          <${Arranged} current=${current} />
        </nav>`}
      <div class="side-foot">
        <${Preferences} />
        <div class="account">
          <a class="who" href="#/account" title=${session.member.email} aria-current=${current === 'account' ? 'page' : undefined}><${Icon} name="user" /><span>${who}</span></a>
          <button type="button" class="ghost" aria-label=${t('nav.sign_out')} title=${t('nav.sign_out')} onClick=${() => signOut().catch(() => location.reload())}><${Icon} name="exit" /></button>
        </div>
      </div>
    </header>`;
}
