// Settings → Email: where an organisation enters its SMTP account and sees it verified live.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { DraftForm, faultOfRun } from '../draft.js';
import { html } from '../html.js';
import { currentLanguage, t } from '../i18n.js';
import { Ladder } from '../parts/ladder.js';
import { Problem } from '../parts/notice.js';
import { Presets } from '../parts/presets.js';
import { QuotaCard } from '../parts/quota.js';
import { SendingSwitch, useResume } from '../parts/switch.js';
import { SendingWith } from '../parts/sending-with.js';
import { SettingsForm } from '../parts/settings-form.js';
import { StatusBar } from '../parts/status-bar.js';
import { TestMail } from '../parts/test-mail.js';
import { announce, loadSmtp, takeVerification, useApp } from '../store.js';

const focus = (id) => document.getElementById(id === 'security' ? 'security_starttls' : id)?.focus();

/** Brings the verdict before the eyes of whoever waits for it. */
const showVerdict = () => document.querySelector('.ladder .diagnosis')?.scrollIntoView({
  block: 'nearest', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth',
});

function usePresets() {
  const [presets, setPresets] = useState([]);
  const { connection } = useApp();
  const language = currentLanguage();
  useEffect(() => { api.presets().then(setPresets, () => {}); }, [language, connection.count]);
  return presets;
}

const presetOfHost = (presets, host) =>
  presets.find(({ endpoints }) => host && endpoints.some((endpoint) => endpoint.host === host))?.id ?? null;

/** Names with a part in <angle brackets> differ per account: they are left to the person, and shown as an example. */
const perAccount = (name) => name.includes('<');

/** What a tile writes into the form. What another tile has put there goes; what a person typed stays. */
function valuesOf(preset, form, presets) {
  const [endpoint] = preset.endpoints;
  const given = (field, name) => preset[field] ?? (presets.some((one) => one[field] && one[field] === form[name]) ? '' : form[name]);
  return {
    host: perAccount(endpoint.host) ? '' : endpoint.host, port: String(endpoint.port), security: endpoint.security,
    username: preset.username ?? '', from_email: given('from_email', 'from_email'), password: given('password_hint', 'password'),
  };
}

/** True if a verdict is no longer about what stands in the form. A run that was cancelled has none. */
function isOutdated(run, smtp, draft) {
  if (!['passed', 'failed'].includes(run.state)) return false;
  return smtp.setup === 'incomplete' || (run.state === 'failed' && (draft.editedSinceRun || smtp.setup === 'complete'));
}

/** aim: the field to begin with, if the address names one. */
export function SettingsEmailPage({ aim }) {
  const { session, smtp, verification: run, connection } = useApp();
  const [, redraw] = useState(0);
  const [draft] = useState(() => new DraftForm(() => redraw((n) => n + 1)));
  const [preset, setPreset] = useState(null);
  const [problem, setProblem] = useState('');
  const [awaited, setAwaited] = useState(null); // the run this page started and waits for
  const [watched, setWatched] = useState(null); // the run that has been seen running here
  const ladderHeading = useRef(null);
  const resume = useResume();
  const presets = usePresets();

  const load = () => loadSmtp().then(() => setProblem(''), (error) => setProblem(errorText(error)));
  useEffect(() => {
    load();
    draft.recover();
  }, [connection.count]);
  useEffect(() => { if (smtp) draft.adopt(smtp); }, [smtp]);
  useEffect(() => { if (aim) focus(aim); }, [aim, Boolean(smtp)]);
  useEffect(() => { if (awaited && run?.id === awaited) ladderHeading.current?.focus(); }, [awaited, run?.id]);
  useEffect(() => { if (run?.state === 'running') setWatched(run.id); }, [run]);
  useEffect(() => {
    if (!run || run.id !== awaited || run.state === 'running') return;
    setAwaited(null);
    if (run.state === 'passed') draft.forgetPassword();
    if (run.state === 'failed') showVerdict();
    loadSmtp().catch(() => {}); // the stream brings it as well; this is for when there is none
  }, [run, awaited]);

  if (!smtp) return problem ? html`<${Problem} text=${problem} onRetry=${load} />` : html`<p class="loading">${t('loading')}</p>`;

  const verifying = smtp.setup === 'verifying' || run?.state === 'running';
  const failedHere = smtp.setup === 'failed' && !draft.editedSinceRun ? faultOfRun(run) : null;
  const chosen = preset ?? presetOfHost(presets, draft.form.host);

  const choose = (wanted) => {
    setPreset(wanted.id);
    draft.setMany(valuesOf(wanted, draft.form, presets));
    focus(perAccount(wanted.endpoints[0].host) ? 'host' : draft.form.from_email ? 'password' : 'from_email');
  };

  const verify = async () => {
    const id = await draft.verify();
    if (!id) {
      const first = draft.firstFault();
      if (first) {
        focus(first);
        announce(t('settings.faults', { n: Object.keys(draft.faults).length }));
      }
      return;
    }
    setAwaited(id);
    setWatched(id);
    await attempt(async () => takeVerification(await api.verification(id)))();
  };

  const attempt = (action) => async () => {
    setProblem('');
    try {
      await action();
    } catch (error) {
      setProblem(errorText(error));
    }
  };

  return html`
    <header class="page-head">
      <p class="crumb">${t('nav.settings')}</p>
      <h1 tabindex="-1">${t('settings.page')}</h1>
      <p class="lead">${t('settings.lead')}</p>
    </header>
    <${Problem} text=${problem} />
    <${StatusBar} smtp=${verifying ? { ...smtp, setup: 'verifying' } : smtp} draft=${draft} />
    <div class="columns">
      <div class="column">
        <${Presets} presets=${presets} chosen=${chosen} onChoose=${choose} disabled=${verifying} />
        <${SettingsForm} draft=${draft} smtp=${smtp} locked=${verifying} runFault=${failedHere} onVerify=${verify}
          hostExample=${presets.find(({ id }) => id === chosen)?.endpoints[0]?.host.replace(/[<>]/g, '') ?? 'smtp.example.com'} />
      </div>
      <div class="column">
        ${run && html`
          <${Ladder} run=${run} live=${run.id === watched} folded=${run.state === 'passed' && (run.id !== watched || Boolean(smtp.draft))} headingRef=${ladderHeading} inForce=${smtp.sending_with}
            paused=${!smtp.sending.enabled} changed=${isOutdated(run, smtp, draft)}
            offerSwitch=${!smtp.sending.enabled && smtp.setup === 'complete'}
            onSwitchOn=${resume.ask} onCancel=${attempt(() => api.cancelVerification(run.id))}
            onGoToField=${faultOfRun(run) && (() => focus(faultOfRun(run).name))} />`}
        <${SendingSwitch} smtp=${smtp} resume=${resume} />
        <${TestMail} smtp=${smtp} member=${session.member}
          inSandbox=${session.sandbox && presets.some(({ id, endpoints }) => id === 'sandbox'
            && endpoints.some(({ host, port }) => host === smtp.sending_with?.host && port === smtp.sending_with?.port))} />
        <${QuotaCard} smtp=${smtp} />
        <${SendingWith} smtp=${smtp} />
      </div>
    </div>`;
}
