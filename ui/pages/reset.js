// A forgotten password: asking for a link, which says the same whoever asks; and the link, which sets a new one.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { faultOfAddress, faultOfPassword } from '../credentials.js';
import { html } from '../html.js';
import { dateTime, needTexts, t } from '../i18n.js';
import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { Icon } from '../parts/icon.js';
import { FixedAddress, NewPassword } from '../parts/new-password.js';
import { Notice, Problem } from '../parts/notice.js';
import { people } from '../people-api.js';
import { app, loadSession, update } from '../store.js';

await needTexts('start');

/** A last word, which has the focus as soon as it is there. */
function Said({ state, title, children, href, link }) {
  const heading = useRef(null);
  useLayoutEffect(() => { heading.current.focus(); }, []);
  return html`
    <div class="card gate" data-reset-page=${state}><h1 tabindex="-1" ref=${heading}>${title}</h1>${children}<a class="button wide" href=${href}>${link}</a></div>`;
}

export function AskResetPage() {
  const { field, submit, problem, busy, ref } = useForm({ email: app().address });
  const [asked, setAsked] = useState('');
  useLayoutEffect(() => { document.getElementById('email')?.focus({ preventScroll: true }); }, []);
  const ask = submit(({ email }) => ({ email: faultOfAddress(email) }), async ({ email }) => {
    await people.askReset(email.trim());
    update({ address: email.trim() });
    setAsked(email.trim());
  });
  if (asked) {
    return html`
      <${Said} state="asked" title=${t('reset.asked')} href="#/sign-in" link=${t('reset.back')}>
        <p>${t('reset.asked_text', { email: asked })}</p>
        <${Notice}>${t('reset.no_mail')}<//>
      <//>`;
  }
  return html`
    <form class="card gate" ref=${ref} onSubmit=${ask} novalidate aria-labelledby="gate-title">
      <h1 id="gate-title" tabindex="-1">${t('reset.title')}</h1>
      <p class="lead">${t('reset.lead')}</p>
      <${Field} ...${field('email', 'sign_in.email')} type="email" required autocomplete="username" />
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      <button type="submit" class="primary wide" aria-disabled=${busy ? 'true' : undefined}>${t('reset.ask')}</button>
      <p><a class="with-icon" href="#/sign-in"><${Icon} name="left" />${t('reset.back')}</a></p>
    </form>`;
}

function Redeem({ token, offer, onGone, onDone }) {
  const { field, submit, problem, busy, ref } = useForm({ password: '' });
  useLayoutEffect(() => { document.getElementById('password')?.focus({ preventScroll: true }); }, []);
  const redeem = submit(({ password }) => ({ password: faultOfPassword(password) }), async ({ password }) => {
    try {
      await people.redeemReset({ token, password });
    } catch (error) {
      if (error.status !== 404) throw error;
      onGone();
      return;
    }
    update({ address: offer.email });
    await loadSession(); // it may have ended with all the others
    onDone();
  });
  return html`
    <form class="card gate" ref=${ref} onSubmit=${redeem} novalidate aria-labelledby="gate-title">
      <h1 id="gate-title" tabindex="-1">${t('reset.new_title')}</h1>
      <p class="lead">${t('reset.new_lead')}</p>
      <${FixedAddress} email=${offer.email} />
      <${NewPassword} field=${field} label=${'account.new_password'} />
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      <button type="submit" class="primary wide" aria-disabled=${busy ? 'true' : undefined}>${t('reset.save')}</button>
      <p class="hint">${t('reset.until', { time: dateTime(offer.expires_at) })}</p>
    </form>`;
}

export function ResetPage({ token }) {
  const [offer, setOffer] = useState(null);
  const [state, setState] = useState('');
  const [problem, setProblem] = useState('');
  const load = () => people.lookUpReset(token).then((found) => { setOffer(found); setProblem(''); }, (error) => {
    if (error.status === 404) setState('gone');
    else setProblem(errorText(error));
  });
  useEffect(() => { load(); }, []);

  if (state === 'gone') return html`<${Said} key="gone" state="gone" title=${t('reset.gone')} href="#/reset" link=${t('reset.again')}><p>${t('reset.gone_text')}</p><//>`;
  if (state === 'done') return html`<${Said} key="done" state="done" title=${t('reset.done')} href="#/" link=${t('reset.to_sign_in')}><p>${t('reset.done_text')}</p><//>`;
  if (offer) return html`<${Redeem} token=${token} offer=${offer} onGone=${() => setState('gone')} onDone=${() => setState('done')} />`;
  return html`<div class="card gate"><h1 tabindex="-1">${t('reset.new_title')}</h1>${problem ? html`<${Problem} text=${problem} onRetry=${load} />` : html`<p class="loading">${t('loading')}</p>`}</div>`;
}
