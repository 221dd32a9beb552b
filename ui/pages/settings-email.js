// Settings → Email. Empty: one field for the address. Then the form, filled in as far as it can be found out, and the check,
// live. Once something is in force: the state of mail sending, with the form folded away behind a button; it comes when it is opened.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useAnnouncements } from '../announcements.js';
import { api, errorText } from '../api.js';
import { focus, focusSoon, show, showSoon, toTop } from '../focus.js';
import { html } from '../html.js';
import { currentLanguage, needTexts, t } from '../i18n.js';
import { Problem } from '../parts/notice.js';
import { StatusBar } from '../parts/status-bar.js';
import { presetOfHost } from '../preset.js';
import { useResume } from '../resuming.js';
import { loadSmtp, takeVerification, update, useApp } from '../store.js';
import { needStyles } from '../styles.js';

await Promise.all([needTexts('settings'), needStyles('settings')]);

const HOME = '#/settings/email';

const loadForm = () => import('../parts/editing.js');
const loadStatus = () => import('../parts/status.js');
const loadLadder = () => import('../parts/ladder.js');

function usePresets() {
  const [presets, setPresets] = useState([]);
  const { connection } = useApp();
  const language = currentLanguage();
  useEffect(() => { api.presets().then(setPresets, () => {}); }, [language, connection.count]);
  return presets;
}

/** True if a verdict is no longer about what stands in the form. A run that was cancelled has none. */
function isOutdated(run, smtp, draft) {
  if (!['passed', 'failed'].includes(run.state)) return false;
  return smtp.setup === 'incomplete' || (run.state === 'failed' && (draft?.editedSinceRun || smtp.setup === 'complete'));
}

/**
 * The newest run: { run, watched, follow(id) }; watched: it has been seen running here. onEnd(run) once for a run this page started. isDrawn:
 * there is a ladder to go to.
 */
function useRun(onEnd, isDrawn) {
  const { verification: run } = useApp();
  const [awaited, setAwaited] = useState(null);
  const [watched, setWatched] = useState(null);
  useEffect(() => { if (run?.state === 'running') setWatched(run.id); }, [run]);
  useEffect(() => { if (isDrawn && awaited && run?.id === awaited) focus('ladder-title'); }, [awaited, run?.id, isDrawn]);
  useEffect(() => {
    if (!run || run.id !== awaited || run.state === 'running') return;
    setAwaited(null);
    onEnd(run);
    loadSmtp().catch(() => {}); // the stream brings it as well; this is for when there is none
  }, [run, awaited]);
  useAnnouncements(run, run?.id === watched);
  const follow = async (id) => {
    setAwaited(id);
    setWatched(id);
    takeVerification(await api.verification(id));
  };
  return { run, watched: Boolean(run) && run.id === watched, follow };
}

/** A part that comes once it is wanted; null until then, and what did not come is tried again when the server is back. */
function usePart(load, wanted, setProblem) {
  const [part, setPart] = useState(null);
  const { connection } = useApp();
  useLayoutEffect(() => { if (wanted && !part) load().then(setPart, () => setProblem(t('error.network'))); }, [wanted, connection.count]);
  return part;
}

/**
 * The form: { editing, draft, open(), close(), warm() } and what its module has. It comes when it is wanted: at once where nothing is in force,
 * else when it is opened; until it is there, what stood there stays, and so it does itself while kept. The draft lives as long as the page.
 */
function useForm({ smtp, kept, setProblem }) {
  const [, redraw] = useState(0);
  const [opened, setOpened] = useState(false);
  const draft = useRef(null);
  const { connection } = useApp();
  const wanted = !smtp.active || opened;
  const part = usePart(loadForm, wanted, setProblem);
  if (part && !draft.current) {
    draft.current = new part.DraftForm(() => {});
    draft.current.adopt(smtp); // before it is drawn: what is in force decides what is shown
    draft.current.changed = () => redraw((n) => n + 1);
  }
  useLayoutEffect(() => { draft.current?.adopt(smtp); }, [smtp]);
  useEffect(() => draft.current?.recover(), [connection.count]);
  return {
    ...part, editing: Boolean(part) && (wanted || kept), draft: draft.current,
    open: () => setOpened(true), close: () => setOpened(false), warm: () => { loadForm().catch(() => {}); },
  };
}

/** After a failed check the focus goes to the first fault, or to what is said of it, unless somebody has taken it elsewhere. */
function useFocusOnFailure(failed, ready, form, onSeen) {
  useEffect(() => {
    if (!failed || !ready) return;
    onSeen();
    if (![null, document.body, document.getElementById('ladder-title'), document.getElementById('verify')].includes(document.activeElement)) return;
    show('.ladder .diagnosis');
    const name = form.editing && form.faultOfRun(failed, form.draft.form)?.name;
    focus(name && document.getElementById(name) ? name : 'diagnosis');
  }, [failed, ready]);
}

/** What the address of the page asks for. What is in the form is up to the form. */
function useAim(aim, form) {
  useEffect(() => {
    if (['password', 'edit'].includes(aim)) form.open();
    if (aim === 'test') {
      form.close();
      setTimeout(() => focusSoon('test_to'));
    } else if (aim === 'domain') setTimeout(() => showSoon('#domain-card'));
  }, [aim]);
}

const isSandbox = (presets, server) => presets.some(({ id, endpoints }) => id === 'sandbox'
  && endpoints.some(({ host, port }) => host === server?.host && port === server?.port));

const attemptWith = (setProblem) => (action) => async (...given) => {
  setProblem('');
  try {
    await action(...given);
  } catch (error) {
    setProblem(errorText(error));
  }
};

/** What a button of the verdict does: the form opens and carries it out. */
const mend = (action) => update({ mending: { ...action, of_run: true } });

/** The sandbox's own login plays no provider that could mind the sender. */
const mindsSender = (presets, { username }) => presets.length > 0 && !presets.some((one) => one.id === 'sandbox' && one.username === username);

function Settings({ aim, smtp, session, problem, setProblem }) {
  const heading = useRef(null);
  const drawn = useRef(false);
  const [given, setGiven] = useState(null); // the run whose draft was discarded
  const [failed, setFailed] = useState(null); // the run that has just failed here
  const [other, setOther] = useState(null); // the server that was found, where the form has another
  const resume = useResume();
  const presets = usePresets();
  const active = Boolean(smtp.active);
  const { mending, verification } = useApp();
  const status = usePart(loadStatus, active || verification?.state === 'running', setProblem);
  const ladder = usePart(loadLadder, Boolean(verification), setProblem);
  const form = useForm({ smtp, kept: !status, setProblem });
  const { editing, draft } = form;
  const close = () => {
    form.close();
    if (aim) location.replace(HOME);
  };
  const { run, watched, follow } = useRun((ended) => {
    if (ended.state === 'failed') setFailed(ended);
    if (ended.state !== 'passed') return;
    draft?.forgetPassword();
    if (!ended.activated) return;
    close();
    setTimeout(() => toTop(heading.current));
  }, Boolean(ladder));
  const locked = smtp.setup === 'verifying' || run?.state === 'running';
  useAim(aim, form);
  useFocusOnFailure(failed, Boolean(ladder) && !locked, form, () => setFailed(null));
  useEffect(() => { if (mending) form.open(); }, [mending]);
  const inForce = active && status;
  const isThere = (inForce || editing) && (drawn.current || !run || ladder);
  if (isThere) drawn.current = true; // from then on what is still missing is waited for beside what is there
  else return problem ? html`<${Problem} text=${problem} />` : html`<p class="loading">${t('loading')}</p>`;

  const attempt = attemptWith(setProblem);
  const edit = () => {
    if (editing) return close();
    form.open();
    return focusSoon('from_email');
  };
  const isOver = run?.state === 'failed' && (run.id === given || (active && !smtp.draft && !editing)); // its draft is gone
  const verdict = (onGoToField) => run && ladder && !isOver && html`
    <${ladder.Ladder} key="ladder" run=${run} folded=${run.state === 'passed' && (!watched || Boolean(smtp.draft))} inForce=${smtp.sending_with}
      paused=${!smtp.sending.enabled} changed=${isOutdated(run, smtp, draft)}
      offerSwitch=${watched && !smtp.sending.enabled && smtp.setup === 'complete'}
      onSwitchOn=${resume.ask} onTest=${() => focus('test_to')} onCancel=${attempt(() => api.cancelVerification(run.id))}
      senderRule=${presetOfHost(presets, run.settings.host)?.sender_rule} mindsSender=${mindsSender(presets, run.settings)} onGoToField=${onGoToField} onAction=${mend} />`;
  const inSandbox = session.sandbox && isSandbox(presets, smtp.active);

  return html`
    <${Problem} text=${problem} />
    ${inForce && html`<${status.DatesAhead} smtp=${smtp} />`}
    <div class=${inForce ? 'hero' : ''}>
      <${StatusBar} smtp=${locked ? { ...smtp, setup: 'verifying' } : smtp} draft=${draft} headingRef=${heading} sandbox=${inSandbox}
        otherServer=${editing && other} secret=${editing && form.passwordLabel(presetOfHost(presets, draft.form.host.trim()))} editing=${editing} onEdit=${inForce && !locked && edit} onNear=${form.warm} />
      ${inForce && html`<${status.SendingSwitch} smtp=${smtp} resume=${resume} />`}
    </div>
    ${editing ? html`
      <${form.Editing} aim=${aim} smtp=${smtp} draft=${draft} presets=${presets} run=${run} locked=${locked} verdict=${verdict}
        inForce=${inForce && html`<${status.SendingWith} smtp=${smtp} />`}
        onFound=${setOther} onStarted=${attempt(follow)} onDiscard=${() => setGiven(run?.id)} />` : html`
      <${status.Status} smtp=${smtp} member=${session.member} presets=${presets} inSandbox=${inSandbox} watched=${watched} verdict=${verdict()}
        locked=${locked} onEdit=${edit} onStarted=${attempt(follow)} />`}`;
}

/** aim: what the address of the page asks for. */
export function SettingsEmailPage({ aim }) {
  const { session, smtp, connection } = useApp();
  const [problem, setProblem] = useState('');
  const load = () => loadSmtp().then(() => setProblem(''), (error) => setProblem(errorText(error)));
  useEffect(() => { load(); }, [connection.count]);

  if (!smtp) return problem ? html`<${Problem} text=${problem} onRetry=${load} />` : html`<p class="loading">${t('loading')}</p>`;
  return html`
    <header class="page-head">
      <p class="crumb">${t('nav.settings')}</p>
      <h1 tabindex="-1">${t('settings.page')}</h1>
      <p class="lead">${t('settings.lead')}</p>
    </header>
    <${Settings} aim=${aim} smtp=${smtp} session=${session} problem=${problem} setProblem=${setProblem} />`;
}
