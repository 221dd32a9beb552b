// What the look-up of an address brought: the server, where it stands and why, the others, and what was asked.
import { html } from '../html.js';
import { list, t } from '../i18n.js';
import { domainOf, readable } from '../domain.js';
import { isInForm, nothingFound } from '../discovery.js';
import { Icon } from './icon.js';

const STEP_ICONS = { found: 'check', nothing: 'dash', failed: 'alert', skipped: 'dash' };

const Server = ({ host, port, security }) => html`
  <strong class="found-server">${host ? readable(host) : t('discovery.own_host')}</strong>${' '}
  <span class="found-port">${port} · ${t(`security.${security}`)}</span>`;

function Candidate({ candidate, form, onTake, locked, best }) {
  const taken = isInForm(candidate, form);
  return html`
    <li class=${best ? 'found-best' : ''}>
      <div>
        <p><${Server} ...${candidate} /> ${taken && html`<span class="badge good"><${Icon} name="check" />${t('discovery.taken')}</span>`}</p>
        <p class="hint">${candidate.why}</p>
        ${candidate.open.length > 0 && html`
          <p class="hint urgent">${t('discovery.open', { fields: list(candidate.open.map((name) => t(`settings.${name}`))) })}</p>`}
      </div>
      ${!taken && html`
        <button type="button" class=${best ? 'small primary' : 'small'} disabled=${locked} onClick=${() => onTake(candidate)}>${t('discovery.take')}
          <span class="unseen"> ${readable(candidate.host ?? '')}:${candidate.port}</span></button>`}
    </li>`;
}

const Steps = ({ steps }) => html`
  <details class="source"><summary>${t('discovery.steps')}</summary>
    <ul class="found-steps">${steps.map(({ name, state, detail }) => html`
      <li key=${name} class=${state}><${Icon} name=${STEP_ICONS[state]} />
        <span><strong>${t(`discovery.step.${name}`)}:</strong> ${detail ? readable(detail) : t(`discovery.state.${state}`)}</span></li>`)}</ul>
  </details>`;

/** Only with a click, because somebody outside then learns the domain. */
const PublicDatabase = ({ domain, onAsk, locked }) => html`
  <div class="found-wide">
    <button type="button" class="small" disabled=${locked} onClick=${onAsk}><${Icon} name="search" />${t('discovery.ask_public')}</button>
    <p class="hint">${t('discovery.public_hint', { domain: readable(domain) })}</p>
  </div>`;

function Answer({ discovery, draft, locked }) {
  const { answer, email, wide } = discovery;
  const { best, candidates, steps, domain } = answer;
  const others = candidates.filter((one) => one !== best && !(best && one.host === best.host && one.port === best.port));
  const candidate = (one, isBest) => html`
    <${Candidate} key=${`${one.host}:${one.port}`} candidate=${one} best=${isBest} form=${draft.form} locked=${locked} onTake=${discovery.take} />`;
  return html`
    <div class=${best ? 'found good' : 'found'} data-found=${best ? best.source : 'nothing'}>
      <p class="found-title"><${Icon} name=${best ? 'check' : 'search'} />
        <span>${best ? t('discovery.found_for', { domain: readable(domain) }) : nothingFound(answer)}</span></p>
      ${best && html`<ul class="found-list">${candidate(best, true)}</ul>`}
      ${!best && html`<p class="hint">${t('discovery.by_hand')}</p>`}
      ${!best && wide && html`<p class="hint" id="found-publicly">${steps.find(({ name }) => name === 'public_database').detail}</p>`}
      ${!best && steps.some(({ state }) => state === 'failed') && html`
        <div class="found-wide"><p class="hint urgent">${t('discovery.unanswered')}</p>
          <button type="button" class="small" disabled=${locked} onClick=${() => discovery.ask(email, wide)}>${t('discovery.again')}</button></div>`}
      ${others.length > 0 && html`
        <details class="source"><summary>${t('discovery.others', { n: others.length })}</summary>
          <ul class="found-list">${others.map((one) => candidate(one, false))}</ul></details>`}
      ${answer.can_ask_public_database && html`
        <${PublicDatabase} domain=${domain} locked=${locked} onAsk=${() => discovery.ask(email, true)} />`}
      <${Steps} steps=${steps} />
      ${answer.is_personal_address && html`<p class="hint">${t('discovery.personal')}</p>`}
    </div>`;
}

/** blank: the page's one button looks it up; else a small one here does, whenever what is shown is not about the address. */
export function Found({ discovery, draft, locked, blank, onAsk }) {
  const email = draft.address();
  if (discovery.state === 'asking') {
    return html`<p class="found asking"><${Icon} name="spinner" spin />${t('discovery.asking', { domain: readable(domainOf(discovery.email)) })}</p>`;
  }
  if (discovery.state === 'idle' || domainOf(discovery.email) !== domainOf(email)) {
    return email && !blank && onAsk && html`
      <p><button type="button" class="link small" disabled=${locked} onClick=${onAsk}>${t('discovery.ask', { domain: readable(domainOf(email)) })}</button></p>`;
  }
  if (discovery.state === 'failed') {
    return html`<div class="found"><p class="found-title"><${Icon} name="alert" /><span>${discovery.problem}</span></p>
      <p class="hint">${t('discovery.by_hand')}</p></div>`;
  }
  return html`<${Answer} discovery=${discovery} draft=${draft} locked=${locked} />`;
}
