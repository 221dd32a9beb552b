// The settings that have been in force: which, since when, by whom; and back to one of them, once it has passed a check again.
import { useEffect, useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { moment, needTexts, t } from '../i18n.js';
import { useApp } from '../store.js';
import { tools } from '../tools-api.js';
import { Notice } from './notice.js';
import { Question } from './question.js';

await needTexts('tools');

const SHOWN = 4;

function useVersions(smtp) {
  const [versions, setVersions] = useState([]);
  const { connection } = useApp();
  useEffect(() => { tools.history().then(({ data }) => setVersions(data), () => {}); }, [smtp.sending_with?.since, smtp.revision, connection.count]);
  return versions;
}

const by = (who) => (who === 'operator' ? t('history.operator') : who === 'API' ? t('history.api') : readable(who));

const activated = ({ activated_at: at, activated_by: who }) =>
  (who ? t('history.activated_by', { time: moment(at), who: by(who) }) : t('history.activated', { time: moment(at) }));

const Version = ({ version, disabled, onRestore }) => html`
  <li data-version=${version.id} class=${version.is_active ? 'active' : ''}>
    <div>
      <p><strong>${readable(version.host)}:${version.port}</strong> · ${t(`security.${version.security}`)}
        ${version.is_active && html` <span class="badge good">${t('history.active')}</span>`}</p>
      <p class="hint">${version.from_name && `${version.from_name} · `}${readable(version.from_email)}${version.username !== version.from_email && ` · ${t('history.username', { name: readable(version.username) })}`}</p>
      <p class="hint">${activated(version)}</p>
    </div>
    ${!version.is_active && html`<button type="button" class="small" aria-disabled=${disabled ? 'true' : undefined}
      aria-label=${t('history.restore_what', { host: readable(version.host), time: moment(version.activated_at) })} onClick=${() => disabled || onRestore()}>${t('history.restore')}</button>`}
  </li>`;

export function History({ smtp, disabled, onStarted }) {
  const versions = useVersions(smtp);
  const [all, setAll] = useState(false);
  const [asking, setAsking] = useState(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  if (!versions.length) return null;

  const restore = async ({ id }) => {
    setBusy(true);
    setProblem('');
    try {
      onStarted((await tools.restoreVersion(id)).id);
    } catch (error) {
      setProblem(errorText(error));
    }
    setAsking(null);
    setBusy(false);
  };
  const ask = (version) => (smtp.draft ? setAsking(version) : restore(version));

  return html`
    <div class="fold-body">
      ${versions.length > 1 && html`<p class="hint">${t('history.hint')}</p>`}
      <ol class="history">${(all ? versions : versions.slice(0, SHOWN)).map((version) => html`
        <${Version} key=${version.id} version=${version} disabled=${disabled || busy} onRestore=${() => ask(version)} />`)}</ol>
      ${!all && versions.length > SHOWN && html`<button type="button" class="small" onClick=${() => setAll(true)}>${t('history.all', { n: versions.length })}</button>`}
      ${asking && html`
        <${Question} id="history-question" text=${t('history.replaces_draft')} button=${t('history.restore')} busy=${busy}
          onYes=${() => restore(asking)} onNo=${() => setAsking(null)} no=${t('action.cancel')} />`}
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
    </div>`;
}
