// Several emails at once: choosing them, trying them again or cancelling them, and what came of it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { list, number, t, textOr } from '../i18n.js';
import { announce } from '../store.js';
import { mayArriveTwice, mayRetry } from './email-state.js';
import { Notice } from './notice.js';
import { Question } from './question.js';

/**
 * The chosen among those that are shown: what leaves the page is no longer chosen. { ids, shown, twice, retryable, has(id), toggle(id), all(yes) };
 * twice: how many of them may arrive twice if they are tried again; retryable: whether any of them can be.
 */
export function useSelection(items) {
  const [chosen, setChosen] = useState(new Set());
  const shown = items.map(({ id }) => id);
  const ids = shown.filter((id) => chosen.has(id));
  return {
    ids, shown,
    twice: items.filter((email) => ids.includes(email.id) && mayArriveTwice(email)).length,
    retryable: items.some((email) => ids.includes(email.id) && mayRetry(email)),
    has: (id) => chosen.has(id),
    toggle: (id) => setChosen(new Set(ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id])),
    all: (yes) => setChosen(new Set(yes ? shown : [])),
  };
}

/** "3 übersprungen: 2 × schon angenommen und 1 × wird gerade gesendet" */
function skippedText(skipped) {
  const counts = new Map();
  for (const { code } of skipped) counts.set(code, (counts.get(code) ?? 0) + 1);
  const reasons = [...counts].map(([code, n]) => `${number(n)} × ${textOr(`skipped.${code}`, code)}`);
  return t('bulk.skipped', { n: skipped.length, reasons: list(reasons) });
}

const resultText = ({ action, done, skipped }) =>
  [t(`bulk.${action}_done`, { n: done }), skipped.length > 0 && skippedText(skipped)].filter(Boolean).join(' ');

function All({ selection }) {
  const box = useRef(null);
  const { ids, shown } = selection;
  useEffect(() => { box.current.indeterminate = ids.length > 0 && ids.length < shown.length; });
  return html`
    <label class="pick"><input type="checkbox" ref=${box} checked=${ids.length === shown.length} onChange=${(event) => selection.all(event.currentTarget.checked)} />
      ${t('bulk.all', { n: shown.length })}</label>`;
}

export function Bulk({ selection, onDone }) {
  const [asking, setAsking] = useState('');
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState(null);
  const [problem, setProblem] = useState('');
  const { ids, shown, twice, retryable } = selection;
  const n = ids.length;
  useEffect(() => { if (n === 0) setAsking(''); }, [n === 0]);

  const run = async (action, uncertain = false) => {
    setBusy(true);
    setProblem('');
    setResult(null);
    try {
      const answer = { action, ...(await api.changeEmails(action, ids, uncertain)) };
      setResult(answer);
      announce(resultText(answer));
      selection.all(false);
    } catch (error) {
      setProblem(errorText(error));
    }
    setAsking('');
    setBusy(false);
    onDone();
  };

  return html`
    ${shown.length > 0 && html`
      <div class="bulk" role="group" aria-label=${t('bulk.label')}>
        <${All} selection=${selection} />
        ${n > 0 && html`
          <span class="hint" data-picked=${n}>${t('bulk.picked', { n })}</span>
          <div class="buttons">
            ${retryable && html`<button type="button" class="small" disabled=${busy} onClick=${() => (twice > 0 ? setAsking('retry') : run('retry'))}>${t('email.retry')}</button>`}
            <button type="button" class="small danger" disabled=${busy} onClick=${() => setAsking('cancel')}>${t('email.cancel')}</button>
          </div>`}
      </div>`}
    ${asking === 'cancel' && n > 0 && html`
      <${Question} key="cancel" id="bulk-question" text=${t('bulk.cancel_sure', { n })} button=${t('email.cancel')} danger busy=${busy} onYes=${() => run('cancel')} onNo=${() => setAsking('')} no=${t('email.keep')} />`}
    ${asking === 'retry' && twice > 0 && html`
      <${Question} key="retry" id="bulk-question" text=${t('bulk.retry_sure', { n: twice })} button=${t('email.retry')} busy=${busy} onYes=${() => run('retry', true)} onNo=${() => setAsking('')} no=${t('action.cancel')} />`}
    ${result && html`<div class="bulk-result" data-done=${result.done} data-skipped=${result.skipped.length}>
      <${Notice} tone=${result.skipped.length ? 'warn' : 'good'}>${resultText(result)}<//></div>`}
    ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}`;
}
