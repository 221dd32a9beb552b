// The link in an invitation: who invites to what, and the name and password that make the account. Looking at it uses nothing up.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { faultOfPassword } from '../credentials.js';
import { html } from '../html.js';
import { currentLanguage, dateTime, needTexts, t } from '../i18n.js';
import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { FixedAddress, NewPassword } from '../parts/new-password.js';
import { Notice, Problem } from '../parts/notice.js';
import { people } from '../people-api.js';
import { takeAsked } from '../routes.js';
import { takeSession, useApp } from '../store.js';

await needTexts('start');

function Gone({ session }) {
  const heading = useRef(null);
  useLayoutEffect(() => { heading.current.focus(); }, []);
  return html`
    <div class="card gate" data-gone>
      <h1 tabindex="-1" ref=${heading}>${t('invitation.gone')}</h1>
      <p>${t('invitation.gone_text')}</p>
      <a class="button wide" href="#/">${t(session.authenticated ? 'nowhere.home' : 'invitation.has_account')}</a>
    </div>`;
}

/** A frame after the form, its line kept free: the first date of a page takes the browser longer than all else that stands here. */
function Until({ time }) {
  const [said, setSaid] = useState('\u00a0');
  const language = currentLanguage();
  useEffect(() => { setSaid(t('invitation.until', { time: dateTime(time) })); }, [time, language]);
  return html`<p class="hint">${said}</p>`;
}

function Accept({ token, offer, session, onGone }) {
  const { field, submit, problem, busy, ref } = useForm({ name: '', password: '' });
  const [other] = useState(session.authenticated ? session.member.name || session.member.email : ''); // who is signed in here until then
  useLayoutEffect(() => { document.getElementById('name')?.focus({ preventScroll: true }); }, []);
  const accept = submit(({ name, password }) => ({ name: name.trim() ? '' : t('fault.missing.name'), password: faultOfPassword(password) }),
    async ({ name, password }) => {
      try {
        takeSession(await people.acceptInvitation({ token, name: name.trim(), password, language: currentLanguage() }));
        location.replace('#/'); // the link leaves the history with it
      } catch (error) {
        if (error.status !== 404) throw error;
        onGone();
      }
    });
  const organisation = offer.org_name;
  return html`
    <form class="card gate" ref=${ref} onSubmit=${accept} novalidate aria-labelledby="gate-title" data-offer=${offer.role}>
      <h1 id="gate-title" tabindex="-1">${organisation ? t('invitation.to', { organisation }) : t('invitation.title')}</h1>
      <p class="lead">${t(`invitation.as.${offer.role}`)}</p>
      ${other && html`<${Notice} tone="warn">${t('invitation.signed_in', { who: other })}<//>`}
      <${FixedAddress} email=${offer.email} />
      <${Field} ...${field('name', 'setup_page.name')} required autocomplete="name" />
      <${NewPassword} field=${field} />
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      <button type="submit" class="primary wide" aria-disabled=${busy ? 'true' : undefined}>${t('invitation.accept')}</button>
      <${Until} time=${offer.expires_at} />
    </form>`;
}

export function InvitationPage({ token }) {
  const { session } = useApp();
  const [asked] = useState(() => takeAsked(token));
  const [offer, setOffer] = useState(asked?.found);
  const [gone, setGone] = useState(false);
  const [problem, setProblem] = useState('');
  const load = (answer = api.lookUpInvitation(token)) => answer.then((found) => { setOffer(found); setProblem(''); }, (error) => {
    if (error.status === 404) setGone(true);
    else setProblem(errorText(error));
  });
  useEffect(() => { if (!offer) load(asked?.answer); }, []);

  if (gone) return html`<${Gone} session=${session} />`;
  if (offer) return html`<${Accept} token=${token} offer=${offer} session=${session} onGone=${() => setGone(true)} />`;
  return html`<div class="card gate"><h1 tabindex="-1">${t('invitation.title')}</h1>${problem ? html`<${Problem} text=${problem} onRetry=${() => load()} />` : html`<p class="loading">${t('loading')}</p>`}</div>`;
}
