// Webhooks: where alerts go that must not go by mail; what each was told, and whether it arrived.
import { useRef, useState } from 'preact/hooks';
import { admin } from '../admin-api.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { useAnswer } from '../parts/answer.js';
import { useAsking, useDeed } from '../parts/deed.js';
import { Deliveries, useTick } from '../parts/deliveries.js';
import { Icon } from '../parts/icon.js';
import { Problem } from '../parts/notice.js';
import { Question } from '../parts/question.js';
import { ShownOnce } from '../parts/shown-once.js';
import { Time } from '../parts/time.js';
import { eventText, WebhookForm } from '../parts/webhook-form.js';
import { announce } from '../store.js';
import { needStyles } from '../styles.js';

await needStyles('lists', 'admin');

const nameOf = ({ name, url }) => name || new URL(url).host;

/** Off; or how the last delivery went, the later of the two. */
function Health({ webhook: { enabled, succeeded_at: good, failed_at: bad } }) {
  const [tone, icon, key] = !enabled ? ['plain', 'pause', 'off'] : bad && (!good || bad > good) ? ['bad', 'alert', 'failing'] : good ? ['good', 'check', 'good'] : ['info', 'clock', 'new'];
  return html`<span class=${`badge ${tone}`} data-health=${key}><${Icon} name=${icon} />${t(`hook.health.${key}`)}</span>`;
}

const Facts = ({ webhook }) => html`
  <dl class="facts">
    <div><dt>${t('hook.url')}</dt><dd><code>${webhook.url}</code></dd></div>
    <div><dt>${t('hook.events')}</dt><dd>${webhook.events.map(eventText).join(' · ')}</dd></div>
    ${webhook.succeeded_at && html`<div><dt>${t('hook.succeeded')}</dt><dd><${Time} at=${webhook.succeeded_at} near /></dd></div>`}
    ${webhook.failed_at && html`<div><dt>${t('hook.failed')}</dt><dd><${Time} at=${webhook.failed_at} near />${webhook.failure && html`: ${webhook.failure}`}</dd></div>`}
    ${webhook.waiting > 0 && html`<div><dt>${t('hook.waiting')}</dt><dd>${t('hook.waiting.n', { n: webhook.waiting })}</dd></div>`}
  </dl>`;

const Secret = ({ secret, onDone }) => html`
  <${ShownOnce} id="hook-secret" title=${t('hook.secret')} what=${t('hook.secret')} text=${t('once.secret')} secret=${secret} onDone=${onDone}>
    <p class="hint">${t('hook.secret.hint')}</p><//>`;

const Entry = ({ webhook }) => html`
  <li class="card entry" data-webhook=${webhook.id}>
    <header class="card-head"><h2><a href=${`#/webhooks/${webhook.id}`}>${nameOf(webhook)}</a></h2><${Health} webhook=${webhook} /></header>
    <${Facts} webhook=${webhook} />
  </li>`;

export function WebhooksPage() {
  const webhooks = useAnswer(admin.webhooks);
  const [isOpen, setOpen] = useState(false);
  const [made, setMade] = useState(null);
  const heading = useRef(null);
  const create = async (body) => {
    setMade(await admin.createWebhook(body));
    setOpen(false);
    webhooks.again();
  };
  const toHeading = (then) => () => {
    heading.current.focus(); // what had the focus goes
    then();
  };
  return html`
    <header class="page-head row">
      <div><h1 tabindex="-1" ref=${heading}>${t('nav.webhooks')}</h1><p class="lead">${t('hook.lead')}</p></div>
      ${!isOpen && html`<button type="button" class="primary" onClick=${() => setOpen(true)}>${t('hook.new')}</button>`}
    </header>
    <${Problem} text=${webhooks.problem} onRetry=${webhooks.again} />
    ${made && html`<${Secret} secret=${made.secret} onDone=${toHeading(() => setMade(null))} />`}
    ${isOpen && html`<${WebhookForm} onSend=${create} onCancel=${toHeading(() => setOpen(false))} />`}
    ${!webhooks.answer && !webhooks.problem && html`<p class="loading">${t('loading')}</p>`}
    ${webhooks.answer?.length === 0 && !isOpen && html`<div class="card empty"><${Icon} name="bell" /><p>${t('hook.empty')}</p></div>`}
    ${webhooks.answer?.length > 0 && html`<ul class="entries">${webhooks.answer.map((one) => html`<${Entry} key=${one.id} webhook=${one} />`)}</ul>`}`;
}

// --- One of them -------------------------------------------------------------------------------------------------------

const QUESTIONS = {
  secret: { text: 'hook.secret_sure', button: 'hook.secret.renew', danger: false },
  remove: { text: 'hook.remove_sure', button: 'hook.remove', danger: true },
};

const Buttons = ({ webhook, deed, onTest, onChange, onToggle, onAsk }) => html`
  <div class="buttons actions">
    <button type="button" class="primary" aria-disabled=${deed.busy ? 'true' : undefined} onClick=${onTest}>${t('hook.test')}</button>
    <button type="button" onClick=${onChange}>${t('form.change')}</button>
    <button type="button" aria-disabled=${deed.busy ? 'true' : undefined} onClick=${onToggle}>${t(webhook.enabled ? 'hook.off' : 'hook.on')}</button>
    <button type="button" data-ask="secret" onClick=${() => onAsk('secret')}>${t('hook.secret.renew')}</button>
    <button type="button" class="danger" data-ask="remove" onClick=${() => onAsk('remove')}>${t('hook.remove')}</button>
  </div>`;

export function WebhookPage({ id }) {
  const tick = useTick();
  const found = useAnswer(() => admin.webhook(id), `${id} ${tick}`);
  const [isChanging, setChanging] = useState(false);
  const { asking, row, ask, settle, cancel } = useAsking();
  const [secret, setSecret] = useState('');
  const [sent, setSent] = useState(0);
  const deed = useDeed();
  const heading = useRef(null);
  const webhook = found.answer;

  const run = (action, words) => deed.run(async () => {
    await action();
    if (words) announce(words);
  });
  const close = () => {
    heading.current.focus(); // the form goes, and the focus with it
    setChanging(false);
  };
  const change = async (body) => {
    await admin.changeWebhook(id, body);
    found.again();
  };
  const test = () => run(async () => {
    await admin.testWebhook(id);
    setSent(sent + 1);
    found.again();
  }, t('hook.tested'));
  const yes = {
    secret: () => run(async () => {
      setSecret((await admin.renewWebhookSecret(id)).secret);
      settle();
    }),
    remove: () => run(async () => {
      await admin.removeWebhook(id);
      location.hash = '#/webhooks';
    }, t('hook.removed')),
  };
  const question = QUESTIONS[asking];

  return html`
    <p class="back"><a href="#/webhooks"><${Icon} name="left" />${t('nav.webhooks')}</a></p>
    <${Problem} text=${found.problem} onRetry=${found.again} />
    <header class="page-head"><h1 tabindex="-1" ref=${heading}>${webhook ? nameOf(webhook) : t('nav.webhook')}</h1></header>
    ${!webhook && !found.problem && html`<p class="loading">${t('loading')}</p>`}
    ${webhook && html`
      ${secret && html`<${Secret} secret=${secret} onDone=${() => { heading.current.focus(); setSecret(''); }} />`}
      ${isChanging ? html`<${WebhookForm} webhook=${webhook} onSend=${async (body) => { await change(body); close(); }} onCancel=${close} />` : html`
        <section class="card" aria-labelledby="hook-title" ref=${row}><header class="card-head"><h2 id="hook-title">${t('nav.webhook')}</h2><${Health} webhook=${webhook} /></header>
          <${Facts} webhook=${webhook} />
          <${Problem} text=${deed.problem} />
          ${question ? html`<${Question} key=${asking} id="hook-question" text=${t(question.text)} button=${t(question.button)} danger=${question.danger} busy=${deed.busy}
              onYes=${yes[asking]} onNo=${cancel} no=${t('action.cancel')} />`
            : html`<${Buttons} webhook=${webhook} deed=${deed} onTest=${test} onChange=${() => setChanging(true)} onAsk=${ask}
                onToggle=${() => run(() => change({ enabled: !webhook.enabled }), t(webhook.enabled ? 'hook.is_off' : 'hook.is_on'))} />`}
        </section>`}
      <${Deliveries} id=${id} fresh=${`${tick} ${sent}`} />`}`;
}
