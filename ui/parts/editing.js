// The form in its surroundings: what a person does with it besides typing, and what stands beside it. It comes when it is opened, and
// on an empty page at once.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useDiscovery } from '../discovery.js';
import { domainOf, readable } from '../domain.js';
import { DraftForm } from '../draft.js';
import { focus, focusSoon, nobodyHasFocus } from '../focus.js';
import { html } from '../html.js';
import { needTexts, t } from '../i18n.js';
import { fieldOfAction, oauthStart } from '../oauth.js';
import { authOf, perAccount, presetById, presetOfHost } from '../preset.js';
import { signInOf, valuesOf } from '../proposal.js';
import { faultOfRun } from '../run-fault.js';
import { announce, update, useApp } from '../store.js';
import { needStyles } from '../styles.js';
import { Later } from './later.js';
import { ProviderHelp } from './provider-help.js';
import { passwordLabel, SettingsForm } from './settings-form.js';

await Promise.all([needTexts('settings', 'form'), needStyles('form')]);

export { DraftForm, faultOfRun, passwordLabel };

const loadDomain = () => import('./domain-card.js');
/** Where an action begins whose value only the person knows. */
const FIELD_TO_FILL = { use_mailbox_login: 'username', use_right_host: 'host' };
const SETTLE_MS = 300; // a click elsewhere comes to its end before the page changes under it

/** Which provider the form speaks of: the one chosen, else the one the server name belongs to. */
function useChosen(draft, presets, discovery) {
  const [picked, setPicked] = useState(null);
  const host = draft.form.host.trim();
  const found = discovery.answer?.candidates.find((one) => one.preset && (one.host ?? '') === host)?.preset;
  const chosen = presetById(presets, picked) ?? presetOfHost(presets, host, draft.form.port.trim()) ?? presetById(presets, found);
  return [chosen, picked, setPicked];
}

/**
 * Checking what stands in the form: { verify(looksUp), unseen }. The address is looked up before, for a password is for the server that
 * belongs to it. A server that this has put into the form nobody has seen yet, and one that is left from another domain nobody has meant: the
 * check waits for a second click. unseen: that server.
 */
function useVerify({ draft, before, onStarted }) {
  const [unseen, setUnseen] = useState(null);
  const verify = async (looksUp = true) => {
    draft.settle();
    const seen = draft.destination();
    if (looksUp) await before();
    draft.settle();
    const destination = draft.destination();
    if (destination !== seen && !draft.form.host.trim()) { // it was another address's, and nobody knows this one's
      draft.check();
      focus('host');
      return;
    }
    if (destination !== seen || (looksUp && draft.isLeft('host') && draft.takesProposals() && unseen?.destination !== destination)) {
      const server = `${readable(draft.form.host)}:${draft.form.port}`;
      setUnseen({ server, destination });
      announce(t('settings.look_first', { server }));
      focus('verify');
      return;
    }
    setUnseen(null);
    const id = await draft.verify();
    if (id) {
      await onStarted(id);
      return;
    }
    const first = draft.firstFault();
    if (!first) return;
    focus(first);
    announce(t('settings.faults', { n: Object.keys(draft.faults).length }));
  };
  return { verify, unseen: unseen?.destination === draft.destination() ? unseen.server : null };
}

/** What a person does with the form besides typing and checking. */
function useSteps({ draft, discovery, presets, setPicked, verify, reveal }) {
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
    if (code === 'play') { // a scene of the sandbox
      draft.setMany(action.values);
      focusSoon('verify');
      return;
    }
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

  return { lookUp, start, choose, fillIn };
}

/** What the address of the page asks for: password, edit, domain; any of them opens the form. */
function useAim(aim, reveal, secretField) {
  useEffect(() => {
    if (!aim) return;
    reveal();
    setTimeout(() => {
      if (!['domain', 'test'].includes(aim)) focusSoon(aim === 'password' ? secretField() : 'from_email');
    });
  }, [aim]);
}

/** An action chosen away from the form, maybe on another page. One that speaks of what is in force checks no draft of something else. */
function useHandedOver(mend, smtp) {
  const { mending } = useApp();
  useEffect(() => {
    if (!mending) return;
    update({ mending: null });
    mend(mending, mending.of_run || !smtp.draft);
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
  useEffect(() => never, []);
  return { later, never, settled };
}

/**
 * draft: a DraftForm that outlives this. verdict(goToField): the ladder of the newest run, or nothing; inForce: what mail is sent with, likewise. locked: a check is running. onFound(server): the
 * server for the address is another than in the form, or null. onStarted(id), onDiscard(): a check runs; what was typed is taken back.
 */
export function Editing({ aim, smtp, draft, presets, run, locked, verdict, inForce, onFound, onStarted, onDiscard }) {
  const active = Boolean(smtp.active);
  const [revealed, setRevealed] = useState(false);
  const blank = !active && !revealed && !locked && draft.isBlank();
  useEffect(() => { if (!blank) setRevealed(true); }, [blank]); // nothing folds up under somebody's hands
  const reveal = () => setRevealed(true);

  const discovery = useDiscovery(draft);
  const [chosen, picked, setPicked] = useChosen(draft, presets, discovery);
  draft.isDense = authOf(chosen) === 'app_password';
  const other = discovery.isOther ? discovery.answer.best : null;
  useEffect(() => { onFound(other); }, [other]);
  useEffect(() => () => onFound(null), []);

  const { verify, unseen } = useVerify({ draft, before: () => leaving.settled(), onStarted });
  const steps = useSteps({ draft, discovery, presets, setPicked, verify, reveal });
  const leaving = useLeaving(() => {
    const email = draft.address();
    return email && email !== discovery.email && email !== smtp.active?.from_email && !picked && draft.takesProposals();
  }, steps.lookUp, discovery);
  useAim(aim, reveal, () => draft.secretField());
  useHandedOver((action, checks) => {
    reveal();
    setTimeout(() => steps.fillIn(action, checks)); // once the form is there
  }, smtp);

  const choose = (preset) => {
    leaving.never();
    steps.choose(preset);
  };
  const byHand = () => {
    reveal();
    setTimeout(() => focus('from_email'));
  };
  const discard = async () => {
    leaving.never();
    await draft.discard();
    onDiscard();
    setRevealed(false);
    discovery.forget();
    setPicked(null);
    setTimeout(() => { if (nobodyHasFocus()) focus('from_email'); });
  };

  const fault = faultOfRun(run, draft.form);
  const isOffered = run?.diagnosis?.actions?.some(({ code }) => fieldOfAction(code, draft.form) === fault?.name); // by a button of its own
  const domain = aim === 'domain' && domainOf(draft.savedAddress() || smtp.active?.from_email || ''); // while it is typed nobody is asked
  return html`
    <div class=${blank ? 'columns single' : 'columns'}>
      <div class="column">
        <${SettingsForm} key="form" draft=${draft} smtp=${smtp} discovery=${discovery} presets=${presets} chosen=${chosen} blank=${blank}
          locked=${locked} runFault=${smtp.setup === 'failed' && !draft.editedSinceRun ? fault : null} unseen=${unseen}
          onSubmit=${() => (blank ? steps.start() : verify())} onDiscard=${discard} onLeaveAddress=${leaving.later}
          onLookUp=${() => discovery.ask(draft.address())} onChoose=${choose} onByHand=${byHand} />
        ${domain && html`<${Later} load=${loadDomain} show=${({ DomainCard }) => html`
          <${DomainCard} key=${domain} domain=${domain} preset=${chosen && chosen.id !== 'sandbox' ? chosen.id : null} />`} />`}
      </div>
      ${!blank && html`
        <div class="column">
          ${verdict(fault && !isOffered && (() => focus(fault.name)))}
          <${ProviderHelp} preset=${chosen} />
          ${inForce}
        </div>`}
    </div>`;
}
