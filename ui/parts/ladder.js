// The ladder of a verification: each rung with its state and time, as it happens; then what came out.
import { html } from '../html.js';
import { date, duration, list, needTexts, t } from '../i18n.js';
import { needStyles } from '../styles.js';
import { Icon } from './icon.js';
import { readable } from '../domain.js';
import { Conversation, Diagnosis } from './diagnosis.js';
import { Time } from './time.js';

await Promise.all([needTexts('settings'), needStyles('ladder')]);

const ICONS = { pending: 'dash', running: 'spinner', passed: 'check', failed: 'cross', skipped: 'dash' };

/** "127.0.0.1 (::1: ECONNREFUSED)": the address that answered, and those that did not, without their codes. */
function connectedTo(detail) {
  const match = /^(\S+) \((.+)\)$/.exec(detail);
  if (!match) return detail;
  const silent = match[2].split(', ').map((one) => one.replace(/: \S+$/, ''));
  return `${match[1]} (${t('ladder.no_answer', { n: silent.length, addresses: list(silent) })})`;
}

/** What a rung says at first glance. A failed one has only a code to tell: that stands under the details. */
function detailOf({ name, state, detail }, certificate) {
  if (name === 'certificate' && state === 'passed' && certificate) {
    return t('ladder.certificate', { issuer: certificate.issuer.replace(/^CN=/, ''), date: date(certificate.not_after) });
  }
  if (!detail || state === 'failed') return '';
  return name === 'connect' ? connectedTo(detail) : readable(detail);
}

const Rung = ({ phase, said }) => html`
  <li class=${`rung ${phase.state}`} data-phase=${phase.name} data-state=${phase.state}>
    <span class="rung-icon"><${Icon} name=${ICONS[phase.state]} spin=${phase.state === 'running'} /></span>
    <span class="rung-words">
      <span class="rung-name">${t(`phase.${phase.name}`)}<span class="unseen">: ${t(`phase_state.${phase.state}`)}</span></span>
      ${said && html`<span class="rung-detail">${said}</span>`}
    </span>
    <span class="rung-time">${phase.ms >= 0 && phase.ms !== null && ['passed', 'failed'].includes(phase.state) && duration(phase.ms)}</span>
  </li>`;

const Rungs = ({ run }) => html`
  <ol class="rungs">${run.phases.map((phase) => html`<${Rung} key=${phase.name} phase=${phase} said=${detailOf(phase, run.server?.certificate)} />`)}</ol>`;

const Facts = ({ server }) => server && (server.tls || server.certificate) && html`
  <dl class="facts">
    ${server.tls && html`<div><dt>${t('facts.encryption')}</dt><dd>${server.tls.version} · ${server.tls.cipher}</dd></div>`}
    ${server.certificate && html`
      <div><dt>${t('facts.certificate')}</dt><dd>${server.certificate.subject}</dd></div>
      <div><dt>${t('facts.issuer')}</dt><dd>${server.certificate.issuer}</dd></div>
      <div><dt>${t('facts.valid_until')}</dt><dd>${date(server.certificate.not_after)}</dd></div>`}
    ${server.auth_mechanism && html`<div><dt>${t('facts.login')}</dt><dd>${server.auth_mechanism}</dd></div>`}
  </dl>`;

/** Error names as the machine says them, for whoever asks. */
const Codes = ({ run }) => {
  const raw = run.phases.filter((phase) => phase.detail && (phase.state === 'failed' || detailOf(phase) !== readable(phase.detail)));
  return raw.length > 0 && html`
    <dl class="facts">${raw.map(({ name, detail }) => html`<div key=${name}><dt>${t(`phase.${name}`)}</dt><dd><code>${detail}</code></dd></div>`)}</dl>`;
};

const Details = ({ run, rungs }) => {
  const { tls, certificate } = run.server ?? {};
  const any = rungs || tls || certificate || run.phases.some(({ detail }) => detail);
  return html`
    ${any && html`
      <details class="steps-taken"><summary>${t('ladder.details')}</summary>
        ${rungs && html`<${Rungs} run=${run} />`}<${Facts} server=${run.server} /><${Codes} run=${run} /></details>`}
    <${Conversation} transcript=${run.transcript} />`;
};

const stillInForce = (inForce, paused) => (!inForce ? t('ladder.nothing_in_force')
  : t(paused ? 'ladder.still_in_force' : 'ladder.still_sending', { host: readable(inForce.host) }));

/** Another port of the same server, tried without the password; and who answered in place of the server. */
const Beside = ({ run }) => html`
  ${run.connected_to && html`
    <p class="beside" data-connected-to=${run.connected_to.got}>${t(run.diagnosis.phase === 'certificate' ? 'ladder.certificate_of' : 'ladder.connected_to', { wanted: readable(run.connected_to.wanted), got: readable(run.connected_to.got) })}</p>`}
  ${run.sibling && html`
    <p class="beside" data-sibling=${run.sibling.state}>${t(`ladder.sibling.${run.sibling.state}`, { port: String(run.sibling.port), security: t(`security.${run.sibling.security}`) })}</p>`}`;

/** Some providers judge the sender only when the mail is there, or put another in its place. */
const OtherSender = ({ settings: { username, from_email: sender }, rule }) => username && username.toLowerCase() !== sender.toLowerCase() && html`
  <p class="other-sender">${t('ladder.other_sender', { username: readable(username), sender: readable(sender) })}${rule && ` ${rule}`}</p>`;

/** What a click on a button of the verdict does belongs to the page: onAction(action). */
export function Ladder({ run, folded, changed, inForce, paused, senderRule, mindsSender, offerSwitch, onSwitchOn, onTest, onCancel, onGoToField, onAction, headingRef }) {
  const running = run.state === 'running';
  const passed = run.state === 'passed';
  const totalMs = run.finished_at && new Date(run.finished_at) - new Date(run.started_at);
  return html`
    <section class=${`card ladder ${changed ? 'changed' : ''}`} aria-labelledby="ladder-title" data-run=${run.state} data-run-id=${run.id}>
      <header class="card-head">
        <h2 id="ladder-title" tabindex="-1" ref=${headingRef}>${t('ladder.title')}</h2>
        ${running
          ? html`<button type="button" class="small" onClick=${onCancel}>${t('ladder.cancel')}</button>`
          : html`<span class="hint"><${Time} at=${run.finished_at} near /></span>`}
      </header>
      <p class="ladder-target">${readable(run.settings.host)}:${run.settings.port} · ${t(`security.${run.settings.security}`)}</p>
      ${changed && html`<p class="hint">${t('ladder.changed')}</p>`}
      ${passed && html`
        <div class="outcome good"><${Icon} name="check" />
          <p><strong>${t('run.passed')}</strong> ${run.activated && t('run.activated')} ${totalMs > 0 && duration(totalMs)}</p></div>`}
      ${passed && mindsSender && html`<${OtherSender} settings=${run.settings} rule=${senderRule} />`}
      ${passed && offerSwitch && html`
        <div class="offer"><p>${t('offer.text')}</p>
          <div class="buttons">
            <button type="button" class="primary" onClick=${onSwitchOn}>${t('switch.on')}</button>
            <button type="button" onClick=${onTest}>${t('offer.test')}</button>
          </div></div>`}
      ${!folded && html`<${Rungs} run=${run} />`}
      ${running && html`<p class="hint">${t('ladder.nothing_sent')}</p>`}
      ${run.state === 'failed' && run.diagnosis && html`
        <${Diagnosis} id="diagnosis" diagnosis=${run.diagnosis} onGoToField=${onGoToField} onAction=${onAction}><${Beside} run=${run} /><//>`}
      ${run.state === 'cancelled' && html`<p class="hint">${t('run.cancelled')}</p>`}
      ${['failed', 'cancelled'].includes(run.state) && html`
        <p class="hint">${stillInForce(inForce, paused)}</p>`}
      ${!running && html`<${Details} run=${run} rungs=${folded} />`}
    </section>`;
}
