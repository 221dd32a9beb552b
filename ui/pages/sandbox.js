// Sandbox: the mails that were captured instead of delivered.
import { useEffect, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { bytes, currentLanguage, needTexts, t } from '../i18n.js';
import { Icon } from '../parts/icon.js';
import { Problem } from '../parts/notice.js';
import { Pager, usePages } from '../parts/paged-list.js';
import { Time } from '../parts/time.js';
import { shortName } from '../preset.js';
import { update, useApp } from '../store.js';
import { needStyles } from '../styles.js';

await Promise.all([needTexts('mails'), needStyles('lists', 'mails')]);

const REFRESH_MS = 3000;

function useTick() {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) setTick((n) => n + 1); }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return tick;
}

const recipientsOf = ({ to }) => readable([].concat(to).join(', '));

const Row = ({ mail }) => html`
  <tr data-capture=${mail.id}>
    <td class="cell-main"><a href=${`#/sandbox/${mail.id}`} title=${mail.subject || undefined}>${mail.subject || t('outbox.no_subject')}</a></td>
    <td class="cell-to" title=${readable(mail.from)}>${readable(mail.from)}</td>
    <td class="cell-to" title=${recipientsOf(mail)}>${recipientsOf(mail)}</td>
    <td class="cell-size">${bytes(mail.size)}</td>
    <td class="cell-time"><${Time} at=${mail.at} near /></td>
  </tr>`;

/** Which user name makes the sandbox behave like which provider in trouble. */
const Personalities = ({ personalities }) => personalities?.length > 0 && html`
  <details><summary>${t('sandbox.personalities')}</summary>
    <p class="hint">${t('sandbox.personalities.hint')}</p>
    <dl class="facts">${personalities.map(({ username, text }) => html`<div key=${username}><dt><code>${username}</code></dt><dd>${text}</dd></div>`)}</dl>
  </details>`;

/** Into the form, as if it were typed: a password goes along to the server that mends it only from there. Checking is left to the person. */
function enter({ settings }) {
  update({ mending: { code: 'play', values: { ...settings, port: String(settings.port), auth: 'auto' } } });
  location.hash = '#/settings/email';
}

/** The providers of the manuals, each with what can go wrong there. */
function Scenes({ scenes }) {
  const presets = [...new Set(scenes.map(({ preset }) => preset))];
  return html`
    <details data-scenes><summary>${t('sandbox.scenes')}</summary>
      <p class="hint">${t('sandbox.scenes.hint')}</p>
      <div class="scenes">${presets.map((preset) => {
        const own = scenes.filter((scene) => scene.preset === preset);
        return html`<div key=${preset}><h3>${shortName(own[0].name)}</h3>
          <ul>${own.map((scene) => html`
            <li key=${scene.trouble}><button type="button" class="link" data-scene=${`${preset} ${scene.trouble}`} onClick=${() => enter(scene)}>
              ${t(scene.diagnosis === 'm365_smtp_auth_disabled_tenant' ? 'sandbox.scene.login_off' : `sandbox.scene.${scene.trouble}`)}</button>
              ${scene.text && html`<span class="hint"> ${scene.late ? t('sandbox.scene.late') : ''} ${scene.text}</span>`}</li>`)}</ul></div>`;
      })}</div>
    </details>`;
}

const Server = ({ sandbox }) => html`
  <section class="card" aria-labelledby="server-title">
    <h2 id="server-title">${t('sandbox.server')}</h2>
    <dl class="facts inline">
      <div><dt>${t('settings.host')}</dt><dd><code>${sandbox.host}</code></dd></div>
      <div><dt>${t('security.starttls')}</dt><dd><code>${sandbox.starttls_port}</code></dd></div>
      <div><dt>${t('security.implicit')}</dt><dd><code>${sandbox.implicit_port}</code></dd></div>
      <div><dt>${t('settings.username')}</dt><dd><code>${sandbox.username}</code></dd></div>
      <div><dt>${t('settings.password')}</dt><dd><code>${sandbox.password}</code></dd></div>
    </dl>
    <${Scenes} scenes=${sandbox.scenes} />
    <${Personalities} personalities=${sandbox.personalities} />
  </section>`;

export function SandboxPage() {
  const { lastEmail, connection } = useApp();
  const [sandbox, setSandbox] = useState(null);
  const [problem, setProblem] = useState('');
  const [cleared, setCleared] = useState(0);
  const [asking, setAsking] = useState(false);
  const pages = usePages((query) => api.captures(query), `cleared ${cleared}`, `${useTick()} ${lastEmail?.state}`);

  const load = () => api.sandbox().then((found) => { setSandbox(found); setProblem(''); }, (error) => setProblem(errorText(error)));
  const language = currentLanguage(); // what a scene ends with is the server's words
  useEffect(() => { load(); }, [language, connection.count]);

  const clear = async () => {
    try {
      await api.clearCaptures();
      setAsking(false);
      setCleared(cleared + 1);
    } catch (error) {
      setProblem(errorText(error));
    }
  };

  return html`
    <header class="page-head row">
      <div><h1 tabindex="-1">${t('nav.sandbox')}</h1><p class="lead">${t('sandbox.lead')}</p></div>
      ${pages.items?.length > 0 && !asking && html`<button type="button" onClick=${() => setAsking(true)}>${t('sandbox.clear')}</button>`}
    </header>
    ${asking && html`
      <div class="card ask"><p>${t('sandbox.clear_sure')}</p>
        <div class="buttons"><button type="button" class="danger" onClick=${clear}>${t('sandbox.clear')}</button>
          <button type="button" onClick=${() => setAsking(false)}>${t('action.cancel')}</button></div></div>`}
    <${Problem} text=${problem || pages.problem} onRetry=${() => { load(); pages.retry(); }} />
    ${!pages.items && html`<p class="loading">${t('loading')}</p>`}
    ${pages.items?.length === 0 && !pages.problem && html`<div class="card empty"><${Icon} name="sandbox" /><p>${t('sandbox.empty')}</p></div>`}
    ${pages.items?.length > 0 && html`
      <div class="card table-card"><table class="list">
        <caption class="unseen">${t('nav.sandbox')}</caption>
        <thead><tr><th scope="col">${t('outbox.subject')}</th><th scope="col" class="cell-to">${t('email.from')}</th><th scope="col" class="cell-to">${t('outbox.to')}</th>
          <th scope="col" class="cell-size">${t('email.size')}</th><th scope="col" class="cell-time">${t('sandbox.captured')}</th></tr></thead>
        <tbody>${pages.items.map((mail) => html`<${Row} key=${mail.id} mail=${mail} />`)}</tbody>
      </table></div>`}
    <${Pager} pages=${pages} />
    ${sandbox && html`<${Server} sandbox=${sandbox} />`}`;
}
