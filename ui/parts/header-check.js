// Pasted headers of a received test mail: what the receiver saw of SPF, DKIM and DMARC, and where it put the mail.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { needTexts, span, t } from '../i18n.js';
import { announce } from '../store.js';
import { tools } from '../tools-api.js';
import { Result } from './badge.js';
import { LEARNED } from './domain-card.js';
import { Icon } from './icon.js';
import { TextBox } from './text-box.js';

await needTexts('tools');

const Line = ({ name, result, children }) => html`
  <li data-result=${name}><p class="record-head"><strong>${name.toUpperCase()}</strong><${Result} result=${result} /></p>${children}</li>`;

const signedBy = ({ domain, selector, aligned }) =>
  t(aligned ? 'headers.signed_aligned' : 'headers.signed_other', { domain: readable(domain), selector: selector || '–' });

const folderLook = { inbox: ['good', 'inbox'], junk: ['warn', 'alert'], unknown: ['plain', 'info'] };

function Found({ check }) {
  const [tone, icon] = folderLook[check.folder] ?? folderLook.unknown;
  const learned = [...check.learned.selectors, ...check.learned.addresses];
  const facts = [
    ['from', readable(check.from_domain)], ['received_by', readable(check.received_by)], ['sent_from', check.sent_from],
    ['delay', check.delay_s !== null && span(Math.max(check.delay_s, 0))],
  ].filter(([, value]) => value);
  return html`
    <div class="read-out" data-folder=${check.folder}>
      <p><span class=${`badge ${tone}`}><${Icon} name=${icon} />${t(`headers.folder.${check.folder}`)}</span> <strong>${check.text}</strong></p>
      <ul class="dns">
        <${Line} name="spf" result=${check.spf.result}><p>${check.spf.text}</p><//>
        ${check.dkim.length === 0 && html`<${Line} name="dkim" result=${null}><p>${t('headers.no_dkim')}</p><//>`}
        ${check.dkim.map((one) => html`<${Line} key=${one.domain + one.selector} name="dkim" result=${one.result}><p>${signedBy(one)}</p><//>`)}
        <${Line} name="dmarc" result=${check.dmarc.result}><p>${check.dmarc.text}</p><//>
      </ul>
      <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${t(`headers.${name}`)}</dt><dd>${value}</dd></div>`)}</dl>
      ${learned.length > 0 && html`<p class="hint">${t('headers.learned', { what: learned.join(', ') })}</p>`}
    </div>`;
}

const WHERE = ['gmail', 'outlook', 'thunderbird', 'apple', 'web'];

export function HeaderCheck() {
  const [check, setCheck] = useState(null);
  const read = async (text) => {
    setCheck(null);
    const found = await tools.checkHeaders(text);
    setCheck(found);
    announce(found.text);
    if (found.learned.selectors.length || found.learned.addresses.length) dispatchEvent(new Event(LEARNED));
  };
  return html`
    <div class="fold-body">
      <${TextBox} id="headers_text" label=${t('headers.label')} hint=${t('headers.hint')} button=${t('headers.read')} empty=${t('headers.empty')} onRead=${read} />
      <details><summary>${t('headers.where')}</summary>
        <ul class="bullets">${WHERE.map((name) => html`<li key=${name}>${t(`headers.where.${name}`)}</li>`)}</ul></details>
      ${check && html`<${Found} check=${check} />`}
    </div>`;
}
