// One email: why it is where it is and what can be done, its recipients with every attempt, and its timeline.
import { useEffect, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { bytes, currentLanguage, dateTime, needTexts, relative, t, textOr } from '../i18n.js';
import { Remedy, replyText } from '../parts/diagnosis.js';
import { EmailActions } from '../parts/email-actions.js';
import { EmailState } from '../parts/email-state.js';
import { Explanation } from '../parts/explanation.js';
import { lastOutbox } from '../parts/filters.js';
import { Icon } from '../parts/icon.js';
import { MaybeTwice } from '../parts/maybe-twice.js';
import { Problem } from '../parts/notice.js';
import { Time } from '../parts/time.js';
import { useApp } from '../store.js';
import { needStyles } from '../styles.js';

await Promise.all([needTexts('mails'), needStyles('lists', 'mails')]);

/** What can be done stands under the last one only: what was before it has been answered by it. */
const Attempt = ({ attempt, isLast }) => html`
  <li class="attempt">
    <p><${EmailState} state=${attempt.state} /> <${Time} at=${attempt.at} />
      ${attempt.server && html` <span class="hint">${t('email.via', { server: attempt.server })}</span>`}</p>
    ${(attempt.reply || attempt.text) && html`
      <p class="reply"><span>${t(attempt.reply ? 'diagnosis.reply' : 'email.error')}</span> <code>${replyText(attempt.reply, attempt.enhanced, attempt.text)}</code></p>`}
    ${attempt.diagnosis && html`<p><strong>${attempt.diagnosis.meaning}</strong> ${attempt.diagnosis.fix}</p>`}
    ${attempt.diagnosis && isLast && html`<${Remedy} diagnosis=${attempt.diagnosis} />`}
  </li>`;

const WEEK_MS = 7 * 24 * 3600 * 1000;

function goesOut(at) {
  const wait = new Date(at) - Date.now();
  if (wait < 1000) return t('state.queued.means');
  return wait < WEEK_MS ? t('email.goes_out', { when: relative(at) }) : t('email.goes_out_at', { time: dateTime(at) });
}

/** Whose sender is not the settings' any more: a look at it every half hour is no attempt worth naming. */
const isFormer = ({ attempts_log: attempts }) => attempts?.at(-1)?.diagnosis?.id === 'former_sender';

const Recipient = ({ recipient }) => html`
  <li class="recipient">
    <p class="recipient-head"><strong>${readable(recipient.address)}</strong>
      <span>${recipient.possible_duplicate && html`<${MaybeTwice} /> `}<${EmailState} state=${recipient.state} /></span></p>
    ${recipient.next_attempt_at && recipient.state === 'scheduled' && html`<p class="hint">${goesOut(recipient.next_attempt_at)}</p>`}
    ${recipient.next_attempt_at && recipient.state !== 'scheduled' && !isFormer(recipient) && html`
      <p class="hint">${t('email.next_attempt')} <${Time} at=${recipient.next_attempt_at} ahead /></p>`}
    ${recipient.attempts_log?.length > 0 && html`
      <ol class="attempts" aria-label=${t('email.attempts')}>
        ${recipient.attempts_log.map((attempt, i, all) => html`<${Attempt} key=${attempt.at} attempt=${attempt} isLast=${i === all.length - 1} />`)}
      </ol>`}
  </li>`;

const Timeline = ({ events }) => html`
  <ol class="timeline">
    ${events.map(({ at, event, detail }, i) => html`
      <li key=${`${at}${i}`}><span class="timeline-event">${textOr(`state.${event}`, event)}</span>
        ${detail && html`<span class="timeline-detail">${detail}</span>`}
        <${Time} at=${at} /></li>`)}
  </ol>`;

const addresses = (list) => readable([].concat(list ?? []).join(', '));

/** Read again whenever the email or what it waits for may have changed. */
function useExplanation(id, email, language) {
  const [explanation, setExplanation] = useState(null);
  const { smtp, connection } = useApp();
  const waitsFor = smtp && `${smtp.sending.enabled} ${smtp.sending.until} ${smtp.breaker?.tries_left} ${smtp.revision}`;
  useEffect(() => {
    let ended = false;
    if (email) api.explanation(id).then((found) => { if (!ended) setExplanation(found); }, () => {}); // the state has words of its own
    return () => { ended = true; };
  }, [id, email, language, waitsFor, connection.count]);
  return explanation;
}

export function EmailPage({ id }) {
  const { lastEmail, connection, smtp } = useApp();
  const [email, setEmail] = useState(null);
  const [problem, setProblem] = useState('');
  const language = currentLanguage();
  const explanation = useExplanation(id, email, language);

  const load = () => api.email(id).then((found) => { setEmail(found); setProblem(''); },
    (error) => setProblem(error.status === 404 ? t('email.gone') : errorText(error)));
  useEffect(() => { load(); }, [id, language, connection.count, smtp?.held_reason ?? null, lastEmail?.id === id && lastEmail]);

  const facts = email && [
    ['from', readable(email.from)], ['to', addresses(email.to)], ['cc', addresses(email.cc)],
    ['reply_to', addresses(email.reply_to)], ['application', email.application], ['class', t(`class.${email.class}`)], ['size', bytes(email.size)],
    ['created', html`<${Time} at=${email.created_at} />`],
    ['scheduled', email.scheduled_at && html`<${Time} at=${email.scheduled_at} />`],
    ['expires', email.expires_at && html`<${Time} at=${email.expires_at} />`],
  ].filter(([, value]) => value);

  return html`
    <p class="back"><a href=${lastOutbox()}><${Icon} name="left" />${t('nav.outbox')}</a></p>
    <${Problem} text=${problem} onRetry=${problem !== t('email.gone') && load} />
    ${!email && html`<h1 tabindex="-1">${t('email.title')}</h1>${!problem && html`<p class="loading">${t('loading')}</p>`}`}
    ${email && html`
      <header class="page-head">
        <h1 tabindex="-1" class="mail-title" title=${email.subject || undefined}>${email.subject || (email.subject === null ? t('outbox.secret') : t('outbox.no_subject'))}</h1>
      </header>
      <${Explanation} email=${email} explanation=${explanation} />
      <${EmailActions} email=${email} explanation=${explanation} onChanged=${setEmail} />
      <div class="columns even">
        <section class="card" aria-labelledby="recipients-title">
          <h2 id="recipients-title">${t('email.recipients')}</h2>
          <ul class="recipients">${email.recipients.map((one) => html`<${Recipient} key=${one.address} recipient=${one} />`)}</ul>
        </section>
        <div class="column">
          <section class="card" aria-labelledby="facts-title">
            <h2 id="facts-title">${t('email.facts')}</h2>
            <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${t(`email.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>
          </section>
          <section class="card" aria-labelledby="timeline-title">
            <h2 id="timeline-title">${t('email.timeline')}</h2>
            <${Timeline} events=${email.timeline} />
          </section>
        </div>
      </div>`}`;
}
