// One captured mail: HTML as its reader will see it, in a frame that can do nothing; text, headers, attachments, source.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { bytes, needTexts, t } from '../i18n.js';
import { displayable, linksInText, parseMessage } from '../mime.js';
import { Icon } from '../parts/icon.js';
import { MailFrame } from '../parts/mail-frame.js';
import { Problem } from '../parts/notice.js';
import { Tabs } from '../parts/tabs.js';
import { Time } from '../parts/time.js';
import { useApp } from '../store.js';
import { needStyles } from '../styles.js';

await Promise.all([needTexts('mails'), needStyles('lists', 'mails')]);

const Links = ({ links }) => links.length > 0 && html`
  <h2>${t('capture.links')}</h2>
  <ul class="link-list">${links.map((href) => html`
    <li key=${href}><a href=${href} target="_blank" rel="noopener noreferrer">${href}<${Icon} name="external" /></a></li>`)}</ul>`;

const HtmlView = ({ message }) => {
  const shown = useMemo(() => displayable(message), [message]);
  return html`
    ${shown.links.length > 0 && html`<p class="hint">${t('capture.links_below')}</p>`}
    ${shown.blocked > 0 && html`<p class="hint">${t('capture.blocked', { n: shown.blocked })}</p>`}
    <${MailFrame} title=${t('capture.frame')} source=${shown.source} width="desktop" scheme="light" />
    <${Links} links=${shown.links} />`;
};

const TextView = ({ message }) => html`
  <pre class="mail-text">${message.text}</pre>
  <${Links} links=${linksInText(message.text)} />`;

const HeaderView = ({ message }) => html`
  <dl class="headers">${message.headers.map(({ name, value }, i) => html`<div key=${i}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

function save({ filename, bytes: content }) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type: 'application/octet-stream' }));
  link.download = filename || 'attachment.bin';
  link.click();
  URL.revokeObjectURL(link.href);
}

const AttachmentView = ({ message }) => html`
  <ul class="attachments">${message.attachments.map((one, i) => html`
    <li key=${i}><${Icon} name="clip" /><span><strong>${one.filename || t('capture.unnamed')}</strong>
      <span class="hint">${one.type} · ${bytes(one.bytes.length)}</span></span>
      <button type="button" class="small" onClick=${() => save(one)}>${t('capture.save')}</button></li>`)}</ul>`;

function useCapture(id) {
  const [raw, setRaw] = useState(null);
  const [problem, setProblem] = useState('');
  const { connection } = useApp();
  const load = () => {
    if (raw) return;
    setProblem('');
    api.captureBytes(id).then(setRaw, (error) => setProblem(error.status === 404 ? t('email.gone') : errorText(error)));
  };
  useEffect(load, [id, connection.count]);
  const message = useMemo(() => raw && parseMessage(raw), [raw]);
  return { raw, message, problem, load };
}

const isMoment = (text) => !Number.isNaN(Date.parse(text));

export function CapturePage({ id }) {
  const { raw, message, problem, load } = useCapture(id);
  const header = (name) => message.headers.find((one) => one.name.toLowerCase() === name)?.value ?? '';
  const tabs = message && [
    message.html !== null && { id: 'html', label: t('capture.html'), view: () => html`<${HtmlView} message=${message} />` },
    message.text !== null && { id: 'text', label: t('capture.text'), view: () => html`<${TextView} message=${message} />` },
    { id: 'headers', label: t('capture.headers'), view: () => html`<${HeaderView} message=${message} />` },
    message.attachments.length > 0 && {
      id: 'attachments', label: t('capture.attachments', { n: message.attachments.length }),
      view: () => html`<${AttachmentView} message=${message} />`,
    },
    { id: 'source', label: t('capture.source'), view: () => html`<pre class="source-text">${new TextDecoder().decode(raw)}</pre>` },
  ].filter(Boolean);

  return html`
    <p class="back"><a href="#/sandbox"><${Icon} name="left" />${t('nav.sandbox')}</a></p>
    <${Problem} text=${problem} onRetry=${problem !== t('email.gone') && load} />
    <header class="page-head">
      <h1 tabindex="-1" class="mail-title" title=${message ? header('subject') : undefined}>${message ? header('subject') || t('outbox.no_subject') : t('email.title')}</h1>
      ${message && html`
        <dl class="facts inline">
          <div><dt>${t('email.from')}</dt><dd>${readable(header('from'))}</dd></div>
          <div><dt>${t('email.to')}</dt><dd>${readable(header('to'))}</dd></div>
          <div><dt>${t('capture.date')}</dt><dd>${isMoment(header('date')) ? html`<${Time} at=${new Date(header('date')).toISOString()} />` : header('date')}</dd></div>
        </dl>`}
    </header>
    ${tabs && html`<${Tabs} key=${id} tabs=${tabs} label=${t('capture.views')} />`}`;
}
