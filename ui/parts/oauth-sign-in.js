// One person signs in, once: in another window, on another device, or with the address line pasted where no browser finds its way back.
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { clock, dateTime, t } from '../i18n.js';
import { oauth } from '../oauth-api.js';
import { oauthNeeds } from '../oauth.js';
import { announce, loadSmtp } from '../store.js';
import { CopyLine } from './guide.js';
import { Fault, Field } from './field.js';
import { Icon } from './icon.js';
import { Notice } from './notice.js';
import { Refusal } from './refusal.js';

/** What a click does here: one at a time; what it was refused is kept as error. { busy, error, run(action) } */
function useDeed() {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const run = async (action) => {
    if (busy) return undefined;
    setBusy(true);
    setError(null);
    try {
      return await action();
    } catch (refused) {
      setError(refused);
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run };
}

/** Everything that is typed is with the server: a sign-in is for exactly this. */
async function isSaved(draft) {
  const names = ['from_email', 'host', ...oauthNeeds(draft.form).filter((name) => name !== 'refresh_token')];
  const wrong = names.filter((name) => !draft.checkOne(name));
  if (!wrong.length) return draft.save({ start: true });
  document.getElementById(wrong[0])?.focus();
  return false;
}

/** Before there is an address to open, the window has to be: later, browsers take it for an advertisement. */
function openWindow() {
  const tab = open('', '_blank');
  if (tab) tab.opener = null;
  return {
    goTo: (url) => { if (tab) tab.location.replace(url); else location.assign(url); },
    close: () => tab?.close(),
  };
}

function Pasting({ redirect, onDone }) {
  const [address, setAddress] = useState('');
  const [fault, setFault] = useState('');
  const { busy, error, run } = useDeed();
  const finish = () => {
    const wrong = address.includes('state=') ? '' : t('oauth.paste.fault');
    setFault(wrong);
    if (wrong) document.getElementById('pasted_address').focus();
    else run(async () => { onDone(await oauth.redeem({ address: address.trim() })); });
  };
  const onKeyDown = (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault(); // it would send the form around it
    finish();
  };
  return html`
    <details class="advanced"><summary>${t('oauth.paste')}</summary>
      <p>${t('oauth.paste.text', { address: redirect })}</p>
      <${Field} id="pasted_address" label=${t('oauth.paste.label')} hint=${t('oauth.paste.hint')} value=${address} fault=${fault} autocomplete="off" spellcheck="false"
        onValue=${(value) => { setAddress(value); setFault(''); }} onKeyDown=${onKeyDown} />
      <p><button type="button" aria-disabled=${busy ? 'true' : undefined} onClick=${finish}>${t('oauth.paste.button')}</button></p>
      <${Refusal} error=${error} />
    </details>`;
}

/** Asks as often as the provider allows, until there is an answer. */
function usePolling(device, onDone, onError) {
  const [state, setState] = useState('pending');
  useEffect(() => {
    if (!device) return undefined;
    let timer = 0;
    setState('pending');
    const ask = async () => {
      const { state: next, interval_seconds: pause } = await oauth.pollDevice(device.id);
      setState(next);
      if (next === 'done') onDone();
      if (next === 'pending') timer = setTimeout(turn, (pause ?? device.interval_seconds) * 1000);
    };
    const turn = () => { ask().catch(onError); };
    timer = setTimeout(turn, device.interval_seconds * 1000);
    return () => clearTimeout(timer);
  }, [device]);
  return state;
}

function Device({ draft, onDone }) {
  const [device, setDevice] = useState(null);
  const [lost, setLost] = useState(null);
  const { busy, error, run } = useDeed();
  const state = usePolling(device, onDone, setLost);
  const begin = () => run(async () => {
    setLost(null);
    if (await isSaved(draft)) setDevice(await oauth.beginOnDevice());
  });
  return html`
    <details class="advanced"><summary>${t('oauth.device')}</summary>
      <p class="hint">${t('oauth.device.hint')}</p>
      ${device && state === 'pending' && !lost ? html`
        <div class="column" data-device="pending">
          <p>${t('oauth.device.text')}</p>
          <p><a class="with-icon" href=${device.verification_uri} target="_blank" rel="noopener noreferrer">${device.verification_uri}<${Icon} name="external" /></a></p>
          <${CopyLine} id="device-code" what=${t('oauth.device.code')} text=${device.user_code} />
          <p class="hint"><${Icon} name="spinner" spin /> ${t('oauth.device.pending', { time: clock(device.expires_at) })}</p>
        </div>` : html`
        ${['denied', 'expired'].includes(state) && html`<${Notice} tone="warn" role="alert">${t(`oauth.device.${state}`)}<//>`}
        <p><button type="button" id="device_start" aria-disabled=${busy ? 'true' : undefined} onClick=${begin}>${t('oauth.device.button')}</button></p>`}
      <${Refusal} error=${error ?? lost} />
    </details>`;
}

/** hasDevice: the provider knows a way with a code. */
export function SignIn({ draft, smtp, faults, locked, hasDevice }) {
  const [begun, setBegun] = useState(null); // { url, expires_at }
  const { busy, error, run } = useDeed();
  const { set, set_at: at } = draft.oauthHeld.refresh_token ?? {};
  const known = useRef(at);
  const isHeld = set && !draft.oauthDropped.includes('refresh_token');

  useEffect(() => {
    if (at && at !== known.current) {
      setBegun(null);
      announce(t('oauth.sign_in.finished'));
    }
    known.current = at;
  }, [at]);

  const finished = () => {
    setBegun(null);
    delete draft.faults.refresh_token;
    return loadSmtp().catch(() => {}); // the stream brings it as well
  };
  const begin = () => {
    const tab = openWindow();
    return run(async () => {
      try {
        if (!(await isSaved(draft))) throw Object.assign(new Error(), { unsaved: true });
        const authorization = await oauth.begin();
        setBegun(authorization);
        delete draft.faults.refresh_token;
        draft.changed();
        tab.goTo(authorization.url);
      } catch (refused) {
        tab.close();
        if (!refused.unsaved) throw refused;
      }
    });
  };

  return html`
    ${!isHeld && !begun && html`<p>${t('oauth.sign_in.text', { mailbox: draft.form.username.trim() || draft.form.from_email.trim() })}</p>`}
    ${isHeld && html`<div data-signed-in=${at}><${Notice} tone="good">${t('oauth.sign_in.done', { time: dateTime(at) })}<//></div>`}
    <div class="buttons"><button type="button" id="refresh_token" class=${isHeld ? '' : 'primary'} disabled=${locked} aria-disabled=${busy ? 'true' : undefined}
      aria-describedby=${faults.refresh_token ? 'refresh_token-fault' : undefined} onClick=${begin}>
      ${t(isHeld ? 'oauth.sign_in.again' : begun ? 'oauth.sign_in.open' : `oauth.sign_in.${draft.form.provider}`)}<${Icon} name="external" /></button></div>
    <${Fault} id="refresh_token-fault" text=${faults.refresh_token} />
    ${begun && html`<p class="hint" data-waiting><${Icon} name="spinner" spin /> ${t('oauth.sign_in.waiting', { time: clock(begun.expires_at) })}</p>`}
    <${Refusal} error=${error} />
    ${begun && html`<${Pasting} redirect=${smtp.oauth_redirect_uri} onDone=${finished} />`}
    ${hasDevice && html`<${Device} draft=${draft} onDone=${finished} />`}`;
}
