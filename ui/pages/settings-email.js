// Settings → Email. Empty: one field for the address. Then the form, filled in as far as it can be found out, and the check,
// live. Once something is in force: the state of mail sending, with the form folded away behind a button.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { useDiscovery } from '../discovery.js';
import { domainOf } from '../domain.js';
import { DraftForm, faultOfRun } from '../draft.js';
import { html } from '../html.js';
import { currentLanguage, t } from '../i18n.js';
import { fieldOfAction, oauthStart } from '../oauth.js';
import { Activity } from '../parts/activity.js';
import { BounceBox } from '../parts/bounce-box.js';
import { Dates } from '../parts/dates.js';
import { DatesAhead } from '../parts/dates-ahead.js';
import { DomainCard } from '../parts/domain-card.js';
import { HeaderCheck } from '../parts/header-check.js';
import { History } from '../parts/history.js';
import { Ladder, useAnnouncements } from '../parts/ladder.js';
import { Problem } from '../parts/notice.js';
import { PersonalSender } from '../parts/personal-sender.js';
import { ProviderHelp } from '../parts/provider-help.js';
import { QuotaCard } from '../parts/quota.js';
import { SendingSwitch, useResume } from '../parts/switch.js';
import { SendingWith } from '../parts/sending-with.js';
import { SettingsForm } from '../parts/settings-form.js';
import { StatusBar } from '../parts/status-bar.js';
import { TestMail } from '../parts/test-mail.js';
import { authOf, perAccount, presetById, presetOfHost, signInOf, valuesOf } from '../preset.js';
import { announce, loadSmtp, takeVerification, update, useApp } from '../store.js';

const HOME = '#/settings/email';
const AIMS = { test: 'test_to' }; // what an address names: the field to begin with
/** Where an action begins whose value only the person knows. */
const FIELD_TO_FILL = { use_mailbox_login: 'username', use_right_host: 'host' };
const SETTLE_MS = 300; // a click elsewhere comes to its end before the page changes under it
const PART_MS = 2000, FRAME_MS = 50; // as long as a part is waited for, and how often
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

function focus(id) {
  const field = document.getElementById(id === 'security' ? 'security_starttls' : id);
  for (let fold = field?.closest('details:not([open])'); fold; fold = field.closest('details:not([open])')) fold.open = true;
  field?.focus();
}
/** A field whose part may still be on its way here. */
const focusSoon = (id, until = Date.now() + PART_MS) => {
  focus(id);
  if (!document.getElementById(id) && Date.now() < until) setTimeout(focusSoon, FRAME_MS, id, until);
};
const show = (selector, block = 'nearest') => document.querySelector(selector)?.scrollIntoView({ block, behavior: calm() ? 'auto' : 'smooth' });
const toTop = (heading) => {
  heading?.focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: calm() ? 'auto' : 'smooth' });
};
const nobodyHasFocus = () => [null, document.body].includes(document.activeElement);

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
  return smtp.setup === 'incomplete' || (run.state === 'failed' && (draft.editedSinceRun || smtp.setup === 'complete'));
}

/** The newest run: { run, watched, follow(id) }; watched: it has been seen running here. onEnd(run) once for a run this page started. */
function useRun(onEnd) {
  const { verification: run } = useApp();
  const [awaited, setAwaited] = useState(null);
  const [watched, setWatched] = useState(null);
  useEffect(() => { if (run?.state === 'running') setWatched(run.id); }, [run]);
  useEffect(() => { if (awaited && run?.id === awaited) focus('ladder-title'); }, [awaited, run?.id]);
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

/** Which provider the form speaks of: the one chosen, else the one the server name belongs to. */
function useChosen(draft, presets, discovery) {
  const [picked, setPicked] = useState(null);
  const host = draft.form.host.trim();
  const found = discovery.answer?.candidates.find((one) => one.preset && (one.host ?? '') === host)?.preset;
  const chosen = presetById(presets, picked) ?? presetOfHost(presets, host, draft.form.port.trim()) ?? presetById(presets, found);
  return [chosen, picked, setPicked];
}

/** What a person does with the form besides typing. */
function useSteps({ draft, discovery, presets, setPicked, follow, setProblem, view, before }) {
  const { reveal } = view;
  const verify = async (looksUp = true) => {
    if (looksUp) await before(); // a password is for the server that belongs to the address, once that is known
    const id = await draft.verify();
    if (id) {
      await follow(id).catch((error) => setProblem(errorText(error)));
      return;
    }
    const first = draft.firstFault();
    if (!first) return;
    focus(first);
    announce(t('settings.faults', { n: Object.keys(draft.faults).length }));
  };

  const toNext = (preset) => focusSoon(!draft.form.host.trim() ? 'host' : !draft.form.from_email.trim() ? 'from_email'
    : preset?.username_template && perAccount(preset.username_template) && !draft.form.username.trim() ? 'username' : draft.secretField());

  /** Looks the address up. The form opens with what was found; by itself it takes the focus only from nowhere. */
  const lookUp = async (wanted) => {
    const email = draft.address();
    if (!email) return;
    setPicked(null);
    const best = await discovery.ask(email);
    const preset = presetById(presets, best?.preset);
    const isTheirs = preset?.endpoints.some(({ host }) => host === draft.form.host.trim());
    if (isTheirs && !['auth', 'password'].some((name) => draft.touched.has(name))) draft.propose(signInOf(preset, draft.form));
    reveal();
    setTimeout(() => { if (wanted || nobodyHasFocus()) toNext(preset); });
  };

  const start = () => {
    if (!draft.checkOne('from_email')) focus('from_email');
    else lookUp(true);
  };

  const choose = async (preset) => {
    const email = draft.address();
    discovery.forget();
    setPicked(preset.id);
    draft.propose(valuesOf(preset, draft.form, presets));
    reveal();
    setTimeout(() => toNext(preset));
    if (perAccount(preset.endpoints[0].host) && email) await discovery.ask(email); // the domain may tell which of its servers it is
  };

  const fillIn = ({ code, ...action }, checks) => {
    if (code === 'use_oauth2') draft.setMany(oauthStart(presetOfHost(presets, draft.form.host.trim()), draft.form));
    const given = ['host', 'port', 'security', 'username', 'from_email'].filter((name) => action[name] !== undefined && action[name] !== null);
    if (code === 'enter_password_again') draft.set('password', '');
    else if (given.length || code === 'retry_later' || (code === 'sign_in_again' && draft.form.grant !== 'refresh_token')) { // an application fetches a token of its own
      draft.propose(Object.fromEntries(given.map((name) => [name, String(action[name])])));
      if (checks) {
        verify(false); // the server stays, unless it is what is mended
        return;
      }
    }
    focusSoon(given[0] ?? FIELD_TO_FILL[code] ?? fieldOfAction(code, draft.form) ?? draft.secretField());
  };

  /**
   * What a button of a diagnosis does: it opens the form, fills in what it stands for and checks again. checks: false where something
   * else is in the form, which is then left to the person.
   */
  const mend = (action, checks = true) => {
    if (action.code === 'open_domain_card') {
      location.hash = `${HOME}/domain`;
      return;
    }
    view.open();
    reveal();
    setTimeout(() => fillIn(action, checks)); // once the form is there
  };

  return { verify, lookUp, start, choose, mend };
}

/** What one looks at once mail is sent; fresh: a check has just passed, and the test mail comes next. */
const Now = ({ smtp, member, inSandbox, fresh, onEdit }) => {
  const activity = html`<${Activity} key="activity" smtp=${smtp} />`;
  return html`
    <${PersonalSender} smtp=${smtp} onEdit=${onEdit} />
    ${!fresh && activity}
    <${TestMail} key="test" smtp=${smtp} member=${member} inSandbox=${inSandbox} />
    ${fresh && activity}`;
};

const isSandbox = (presets, server) => presets.some(({ id, endpoints }) => id === 'sandbox'
  && endpoints.some(({ host, port }) => host === server?.host && port === server?.port));

/**
 * What is to be seen: { editing, blank, opened, open(), close(), reveal(), startOver() }. Something in force: the state, and the form once
 * it is opened. Nothing in force: the form, at first with the address alone (blank).
 */
function useView({ smtp, draft, checking }) {
  const [opened, setOpened] = useState(false);
  const [revealed, setRevealed] = useState(false);
  const active = Boolean(smtp.active);
  const blank = !active && !revealed && !checking && draft.isBlank();
  useEffect(() => { if (!blank) setRevealed(true); }, [blank]); // nothing folds up under somebody's hands
  return {
    active, blank, editing: !active || opened, open: () => setOpened(true), close: () => setOpened(false),
    reveal: () => setRevealed(true), startOver: () => setRevealed(false),
  };
}

/** What the address of the page asks for: password, edit, test, domain. */
function useAim(aim, view, secretField) {
  useEffect(() => {
    if (!aim) return;
    if (['password', 'edit'].includes(aim)) view.open();
    if (aim === 'test') view.close();
    view.reveal();
    setTimeout(() => {
      if (aim === 'domain') show('#domain-card', 'start');
      else focusSoon(aim === 'password' ? secretField() : AIMS[aim] ?? 'from_email');
    });
  }, [aim]);
}

/** An action chosen away from the check, maybe on another page. It speaks of what is in force: a draft of something else is not checked by it. */
function useHandedOver(mend, smtp) {
  const { mending } = useApp();
  useEffect(() => {
    if (!mending) return;
    update({ mending: null });
    mend(mending, !smtp.draft);
  }, [mending]);
}

/** Leaving the address looks it up, unless somebody chose the provider or typed the server. { later(), never(), settled(): looks up what is due */
function useLeaving(isNews, lookUp, discovery) {
  const timer = useRef(0);
  const never = () => clearTimeout(timer.current);
  const later = () => {
    never();
    timer.current = setTimeout(() => { if (isNews()) lookUp(false); }, SETTLE_MS);
  };
  const settled = async () => {
    never();
    await (isNews() ? lookUp(false) : discovery.settled());
  };
  return { later, never, settled };
}

/** What opens, folds and begins anew: { edit(), close(), discard(), byHand() }. */
function useFolds({ aim, draft, view, discovery, setPicked, editing, onDiscard }) {
  const close = () => {
    view.close();
    discovery.forget();
    if (aim) location.replace(HOME);
  };
  const toAddress = () => setTimeout(() => focus('from_email'));
  return {
    close,
    edit: () => {
      if (editing) return close();
      view.open();
      return toAddress();
    },
    byHand: () => {
      view.reveal();
      toAddress();
    },
    discard: async () => {
      await draft.discard();
      onDiscard();
      view.startOver();
      discovery.forget();
      setPicked(null);
      setTimeout(() => { if (nobodyHasFocus()) focus('from_email'); });
    },
  };
}

/** The ladder of the newest run, with what can be done about it here; editing: the form is there to go to. */
function Verdict({ run, watched, smtp, draft, resume, attempt, presets, editing, onAction }) {
  const fault = faultOfRun(run, draft.form);
  const isOffered = run.diagnosis?.actions?.some(({ code }) => fieldOfAction(code, draft.form) === fault?.name); // by a button of its own
  return html`
    <${Ladder} run=${run} folded=${run.state === 'passed' && (!watched || Boolean(smtp.draft))} inForce=${smtp.sending_with}
      paused=${!smtp.sending.enabled} changed=${isOutdated(run, smtp, draft)}
      offerSwitch=${watched && !smtp.sending.enabled && smtp.setup === 'complete'}
      onSwitchOn=${resume.ask} onTest=${() => focus('test_to')} onCancel=${attempt(() => api.cancelVerification(run.id))}
      senderRule=${presetOfHost(presets, run.settings.host)?.sender_rule}
      onGoToField=${editing && fault && !isOffered && (() => focus(fault.name))} onAction=${onAction} />`;
}

function Settings({ aim, smtp, session, problem, setProblem, draft }) {
  const heading = useRef(null);
  const [given, setGiven] = useState(null); // the run whose draft was discarded
  const resume = useResume();
  const presets = usePresets();
  const discovery = useDiscovery(draft);
  const [chosen, picked, setPicked] = useChosen(draft, presets, discovery);
  const { run, watched, follow } = useRun((ended) => {
    if (ended.state === 'failed') show('.ladder .diagnosis');
    if (ended.state !== 'passed') return;
    draft.forgetPassword();
    if (!ended.activated) return;
    folds.close();
    setTimeout(() => toTop(heading.current));
  });
  const verifying = smtp.setup === 'verifying' || run?.state === 'running';
  const view = useView({ smtp, draft, checking: verifying });
  const { active, blank } = view;
  const editing = view.editing || (verifying && watched);
  const folds = useFolds({ aim, draft, view, discovery, setPicked, editing, onDiscard: () => setGiven(run?.id) });
  useAim(aim, view, () => draft.secretField());
  const steps = useSteps({ draft, discovery, presets, setPicked, follow, setProblem, view, before: () => leaving.settled() });
  useHandedOver(steps.mend, smtp);
  const leaving = useLeaving(() => {
    const email = draft.address();
    return email && email !== discovery.email && email !== smtp.active?.from_email && !picked && draft.takesProposals();
  }, steps.lookUp, discovery);
  draft.isDense = authOf(chosen) === 'app_password';

  const attempt = (action) => async (...given) => {
    setProblem('');
    try {
      await action(...given);
    } catch (error) {
      setProblem(errorText(error));
    }
  };
  const choose = (preset) => {
    leaving.never();
    steps.choose(preset);
  };
  const discard = () => {
    leaving.never();
    folds.discard();
  };

  const isOver = run?.state === 'failed' && (run.id === given || (active && !smtp.draft && !editing)); // its draft is gone
  const verdict = run && !blank && !isOver && html`
    <${Verdict} key="ladder" run=${run} watched=${watched} smtp=${smtp} draft=${draft} resume=${resume} attempt=${attempt} presets=${presets}
      editing=${editing} onAction=${steps.mend} />`;
  const domain = domainOf((editing ? draft.savedAddress() : '') || smtp.active?.from_email || ''); // while it is typed nobody is asked
  const sandboxInForce = session.sandbox && isSandbox(presets, smtp.active);
  const preset = editing ? chosen : presetOfHost(presets, smtp.active.host);

  return html`
    <${Problem} text=${problem} />
    ${active && html`<${DatesAhead} smtp=${smtp} />`}
    <div class=${active ? 'hero' : ''}>
      <${StatusBar} smtp=${verifying ? { ...smtp, setup: 'verifying' } : smtp} draft=${draft} headingRef=${heading}
        sandbox=${sandboxInForce} otherServer=${editing && discovery.isOther && discovery.answer.best}
        editing=${editing} onEdit=${active && !verifying && folds.edit} />
      ${active && html`<${SendingSwitch} smtp=${smtp} resume=${resume} />`}
    </div>
    <div class=${blank ? 'columns single' : watched && !editing ? 'columns verdict' : 'columns'}>
      <div class="column">
        ${editing ? html`
          <${SettingsForm} key="form" draft=${draft} smtp=${smtp} discovery=${discovery} presets=${presets} chosen=${chosen} blank=${blank}
            locked=${verifying} runFault=${smtp.setup === 'failed' && !draft.editedSinceRun ? faultOfRun(run, draft.form) : null}
            onSubmit=${() => (blank ? steps.start() : steps.verify())} onDiscard=${discard} onLeaveAddress=${leaving.later}
            onLookUp=${() => discovery.ask(draft.address())} onChoose=${choose} onByHand=${folds.byHand} />` : html`
          <${Now} smtp=${smtp} member=${session.member} fresh=${watched} onEdit=${folds.edit}
            inSandbox=${sandboxInForce} />`}
        ${domain && !(sandboxInForce && !editing) && (!editing || aim === 'domain') && html`
          <${DomainCard} key=${domain} domain=${domain} preset=${preset && preset.id !== 'sandbox' ? preset.id : null} />`}
        ${!editing && html`<${History} smtp=${smtp} disabled=${verifying} onStarted=${attempt(follow)} />`}
      </div>
      ${!blank && html`
        <div class="column">
          ${(editing || watched) && verdict}
          ${editing && html`<${ProviderHelp} preset=${chosen} />`}
          ${active && html`<${SendingWith} smtp=${smtp} onEdit=${!editing && folds.edit} />`}
          ${!editing && html`
            <${Dates} smtp=${smtp} />
            <${QuotaCard} smtp=${smtp} onChanged=${loadSmtp} />
            ${!watched && verdict}`}
        </div>`}
    </div>
    ${!editing && html`<div class="columns even tools"><${HeaderCheck} /><${BounceBox} host=${smtp.active.host} /></div>`}`;
}

/** aim: what the address of the page asks for. */
export function SettingsEmailPage({ aim }) {
  const { session, smtp, connection } = useApp();
  const [, redraw] = useState(0);
  const [draft] = useState(() => new DraftForm(() => redraw((n) => n + 1)));
  const [problem, setProblem] = useState('');
  const load = () => loadSmtp().then(() => setProblem(''), (error) => setProblem(errorText(error)));
  useEffect(() => {
    load();
    draft.recover();
  }, [connection.count]);
  useLayoutEffect(() => { if (smtp) draft.adopt(smtp); }, [smtp]); // before it is drawn: what is in force decides what is shown

  if (!smtp) return problem ? html`<${Problem} text=${problem} onRetry=${load} />` : html`<p class="loading">${t('loading')}</p>`;
  return html`
    <header class="page-head">
      <p class="crumb">${t('nav.settings')}</p>
      <h1 tabindex="-1">${t('settings.page')}</h1>
      <p class="lead">${t('settings.lead')}</p>
    </header>
    <${Settings} aim=${aim} smtp=${smtp} session=${session} problem=${problem} setProblem=${setProblem} draft=${draft} />`;
}
