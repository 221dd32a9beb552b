// Where one is signed in, and the way out of each of them.
import { useEffect, useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { deviceOf } from '../device.js';
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { people } from '../people-api.js';
import { announce, useApp } from '../store.js';
import { useDeed } from './deed.js';
import { Problem } from './notice.js';
import { Question } from './question.js';

function deviceText(agent) {
  const { browser, system } = deviceOf(agent);
  return browser && system ? t('account.device', { browser, system }) : browser || system || t('account.device_unknown');
}

const Session = ({ session, busy, onEnd }) => html`
  <li data-session=${session.id}>
    <div class="person">
      <p><strong>${deviceText(session.agent)}</strong>${session.is_current && html` <span class="tag">${t('account.this_one')}</span>`}</p>
      <p class="hint">${t('account.session_facts', { used: moment(session.used_at), created: moment(session.created_at), client: session.client || '–' })}</p>
    </div>
    ${!session.is_current && html`
      <button type="button" class="small" aria-disabled=${busy ? 'true' : undefined} aria-label=${t('account.end_what', { device: deviceText(session.agent), time: moment(session.used_at) })} onClick=${onEnd}>${t('account.end')}</button>`}
  </li>`;

/** fresh: changes when sessions may have ended for another reason. */
export function Sessions({ fresh }) {
  const { connection } = useApp();
  const [sessions, setSessions] = useState(null);
  const [unread, setUnread] = useState('');
  const [asking, setAsking] = useState(false);
  const { busy, problem, run } = useDeed();
  const load = () => people.sessions().then((found) => { setSessions(found); setUnread(''); }, (error) => setUnread(errorText(error)));
  useEffect(() => { load(); }, [fresh, connection.count]);

  const end = async (action, words) => {
    const done = await run(async () => { await action(); return true; });
    if (!done) return; // what was pressed stays, with the focus
    setAsking(false);
    announce(words);
    document.getElementById('sessions-title')?.focus();
    await load();
  };
  const others = sessions?.filter(({ is_current: isCurrent }) => !isCurrent) ?? [];
  return html`
    <section class="card" aria-labelledby="sessions-title">
      <h2 id="sessions-title" tabindex="-1">${t('account.sessions')}</h2>
      <${Problem} text=${problem || unread} onRetry=${unread && load} />
      <ul class="people-list">${(sessions ?? []).map((one) => html`
        <${Session} key=${one.id} session=${one} busy=${busy} onEnd=${() => end(() => people.endSession(one.id), t('account.ended'))} />`)}</ul>
      ${others.length > 1 && !asking && html`<div class="buttons"><button type="button" onClick=${() => setAsking(true)}>${t('account.end_others')}</button></div>`}
      ${asking && html`
        <${Question} id="sessions-question" text=${t('account.end_others_sure', { n: others.length })} button=${t('account.end_others')} danger busy=${busy}
          onYes=${() => end(people.endOtherSessions, t('account.ended_others'))} onNo=${() => setAsking(false)} no=${t('action.cancel')} />`}
    </section>`;
}
