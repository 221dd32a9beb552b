// People: who has an account, who is invited, and who waits for a link because the password is forgotten.
import { useEffect, useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { html } from '../html.js';
import { needTexts, t } from '../i18n.js';
import { Handover } from '../parts/handover.js';
import { Icon } from '../parts/icon.js';
import { InviteForm } from '../parts/invite-form.js';
import { Invitations } from '../parts/invitations.js';
import { Members } from '../parts/members.js';
import { Problem } from '../parts/notice.js';
import { Pager, usePages } from '../parts/paged-list.js';
import { people } from '../people-api.js';
import { useApp } from '../store.js';
import { needStyles } from '../styles.js';

await Promise.all([needTexts('people'), needStyles('lists', 'people')]);

const REFRESH_MS = 5000;
const INVITING = 'invite';

/** Somebody may ask for a new password, or accept, while one looks on. */
function useTick() {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) setTick((n) => n + 1); }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return tick;
}

function useResets(fresh) {
  const [resets, setResets] = useState([]);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    let ended = false;
    people.resets().then((found) => { if (!ended) { setResets(found); setProblem(''); } }, (error) => { if (!ended) setProblem(errorText(error)); });
    return () => { ended = true; };
  }, [fresh]);
  return { resets, problem };
}

export function PeoplePage() {
  const { smtp, lastEmail, connection } = useApp();
  const [changes, setChanges] = useState(0);
  const [panel, setPanel] = useState(''); // one thing is unfolded at a time: inviting, or a member by id
  const [made, setMade] = useState(null);
  const fresh = `${changes} ${useTick()} ${connection.count} ${lastEmail?.id} ${lastEmail?.state}`;
  const members = usePages((query) => people.members(query), 'members', fresh);
  const open = usePages((query) => people.invitations({ ...query, state: 'open' }), 'open', fresh);
  const past = usePages((query) => people.invitations({ ...query, state: 'past' }), 'past', fresh);
  const { resets, problem } = useResets(fresh);
  const sends = Boolean(smtp?.sending_with);
  const changed = () => setChanges((n) => n + 1);

  const invited = (answer) => {
    setPanel('');
    setMade(answer);
    changed();
  };
  const cancel = () => {
    setPanel('');
    requestAnimationFrame(() => document.getElementById('invite')?.focus());
  };
  const renewed = (answer) => {
    setMade(answer);
    changed();
  };
  const isThere = members.items && open.items && past.items;

  return html`
    <header class="page-head row">
      <div><h1 tabindex="-1">${t('nav.people')}</h1><p class="lead">${t('people.lead')}</p></div>
      ${panel !== INVITING && html`<button type="button" class="primary" id="invite" onClick=${() => { setMade(null); setPanel(INVITING); }}><${Icon} name="user_plus" />${t('invite.title')}</button>`}
    </header>
    <${Problem} text=${members.problem || open.problem || past.problem || problem} onRetry=${changed} />
    ${!isThere && html`<p class="loading">${t('loading')}</p>`}
    ${isThere && html`
      <div class="column">
        ${panel === INVITING && html`<${InviteForm} sends=${sends} paused=${smtp?.sending?.enabled === false} onInvited=${invited} onClose=${cancel} />`}
        <${Handover} resets=${resets} onChanged=${changed} />
        <${Invitations} open=${open} past=${past} made=${made} sends=${sends} onMade=${renewed} onSeen=${() => setMade(null)} onChanged=${changed} />
        <${Members} members=${members.items} open=${panel} onOpen=${setPanel} onChanged=${changed} />
        <${Pager} pages=${members} />
      </div>`}`;
}
