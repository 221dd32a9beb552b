// SPF, DKIM and DMARC of the sender's domain: what is there, what it means, and the one record that is missing.
import { useEffect, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { currentLanguage, needTexts, t } from '../i18n.js';
import { announce, useApp } from '../store.js';
import { needStyles } from '../styles.js';
import { Verdict } from './badge.js';
import { CopyButton } from './copy-button.js';
import { Icon } from './icon.js';
import { Problem } from './notice.js';
import { Time } from './time.js';

await Promise.all([needTexts('status'), needStyles('status')]);

const RECORDS = ['spf', 'dkim', 'dmarc'];
const SANDBOX = 'sandbox'; // no provider that DNS could know of

/** A header check has found out more about the domain. */
export const LEARNED = 'absender:learned';

/** { check, problem, busy, again() }: again says what came of it, the first look does not. */
function useCheck(domain, preset) {
  const [state, setState] = useState({ asked: '', check: null, problem: '', busy: false });
  const language = currentLanguage();
  const { connection } = useApp();
  const read = async (aloud) => {
    setState((now) => ({ ...now, busy: true, problem: '' }));
    try {
      const check = await api.checkDomain({ domain, ...(preset && preset !== SANDBOX && { preset }) });
      setState({ asked: domain, check, problem: '', busy: false });
      if (aloud) announce(RECORDS.map((name) => `${name.toUpperCase()}: ${t(`verdict.${check[name].verdict}`)}`).join(', '));
    } catch (error) {
      setState((now) => ({ ...now, problem: errorText(error), busy: false }));
    }
  };
  useEffect(() => {
    if (!domain) return undefined;
    const learned = () => read(false);
    read(false);
    addEventListener(LEARNED, learned);
    return () => removeEventListener(LEARNED, learned);
  }, [domain, preset, language, connection.count]);
  return { ...state, check: state.asked === domain ? state.check : null, again: () => read(true) };
}

const Copied = ({ id, what, text }) => html`
  <div><dt>${what}</dt><dd><code id=${id}>${text}</code><${CopyButton} id=${id} what=${what} /></dd></div>`;

const Proposal = ({ name, proposal }) => html`
  <div class="proposal">
    <p><strong>${t('domain.add')}</strong></p>
    <dl class="facts">
      <div><dt>${t('domain.type')}</dt><dd>${proposal.type}</dd></div>
      <${Copied} id=${`${name}-name`} what=${t('domain.name')} text=${proposal.name} />
      <${Copied} id=${`${name}-value`} what=${t('domain.value')} text=${proposal.value} />
    </dl>
    ${proposal.note && html`<p class="hint">${proposal.note}</p>`}
  </div>`;

const Selectors = ({ selectors }) => selectors?.length > 0 && html`
  <ul class="bullets">${selectors.map(({ selector, state, detail }) => html`
    <li key=${selector}><code>${selector}</code>: ${t(`selector.${state}`)}${detail && ` (${detail})`}</li>`)}</ul>`;

const Details = ({ part }) => (part.record || part.details?.length > 0 || part.selectors?.length > 0) && html`
  <details><summary>${t('domain.details')}</summary>
    ${part.details?.length > 0 && html`<ul class="bullets">${part.details.map((words) => html`<li key=${words}>${words}</li>`)}</ul>`}
    <${Selectors} selectors=${part.selectors} />
    ${part.record && html`<p class="hint">${t('domain.record')}</p><pre class="dns-record" tabindex="0">${part.record}</pre>`}
  </details>`;

const Part = ({ name, part }) => html`
  <li data-record=${name} data-verdict=${part.verdict}>
    <p class="record-head"><span><strong>${name.toUpperCase()}</strong> <span class="hint">${t(`domain.${name}`)}</span></span><${Verdict} verdict=${part.verdict} /></p>
    <p>${part.text}</p>
    ${part.proposal && html`<${Proposal} name=${name} proposal=${part.proposal} />`}
    <${Details} part=${part} />
  </li>`;

export function DomainCard({ domain, preset }) {
  const { check, problem, busy, again } = useCheck(domain, preset);
  if (!domain) return null;
  return html`
    <section class="card" id="domain-card" aria-labelledby="domain-title" aria-busy=${busy ? 'true' : undefined}>
      <header class="card-head">
        <h2 id="domain-title" tabindex="-1">${t('domain.title', { domain: readable(domain) })}</h2>
        ${check && html`<span class="hint">${t('domain.checked')} <${Time} at=${check.checked_at} near /></span>`}
      </header>
      <p class="hint">${t('domain.lead')}</p>
      ${check && html`<ul class="dns">${RECORDS.map((name) => html`<${Part} key=${name} name=${name} part=${check[name]} />`)}</ul>`}
      ${!check && busy && html`<p class="hint"><${Icon} name="spinner" spin /> ${t('domain.asking')}</p>`}
      <${Problem} text=${problem} />
      <div class="buttons"><button type="button" aria-disabled=${busy ? 'true' : undefined} onClick=${() => busy || again()}>${t(check || busy ? 'domain.again' : 'domain.check')}</button></div>
    </section>`;
}
