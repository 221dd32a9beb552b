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
 * The chosen among those that are shown: what leaves the page is no longer chosen. Or, until the filter (key) changes, all that it finds.
 * { ids, shown, whole, twice, retryable, has(id), toggle(id), all(yes), takeWhole(found) }; whole: null or { count, has_more };
 * twice: how many of the ids may arrive twice if they are tried again; retryable: whether any of them can be.
 */
export function useSelection(items, key) {
  const [chosen, setChosen] = useState(new Set());
  const [taken, setTaken] = useState({ key, whole: null });
  const whole = taken.key === key ? taken.whole : null;
  const shown = items.map(({ id }) => id);
  const ids = whole ? shown : shown.filter((id) => chosen.has(id));
  const choose = (list) => {
    setChosen(new Set(list));
    setTaken({ key, whole: null });
  };
  return {
    ids, shown, whole,
    twice: items.filter((email) => ids.includes(email.id) && mayArriveTwice(email)).length,
    retryable: items.some((email) => ids.includes(email.id) && mayRetry(email)),
    has: (id) => ids.includes(id),
    toggle: (id) => choose(ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id]),
    all: (yes) => choose(yes ? shown : []),
    takeWhole: (found) => setTaken({ key, whole: found }),
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

/** "3.000", "mehr als 10.000" */
const countText = ({ count, has_more: more }) => (more ? t('bulk.more_than', { count: number(count) }) : number(count));

/** Beyond the page: offered once all of it is chosen and there are others. */
function Whole({ selection, filter }) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    let ended = false;
    api.countEmails(filter).then((answer) => { if (!ended) setFound(answer); }, () => {}); // without the count there is no offer
    return () => { ended = true; };
  }, [JSON.stringify(filter)]);
  return found && html`
    <button type="button" class="small" data-whole=${found.count} onClick=${() => selection.takeWhole(found)}>${t('bulk.whole', { count: countText(found) })}</button>`;
}

/** Request by request, each for as many as the server takes at once. { done, skipped, error }; error: what it broke off with, or null. */
async function changeAll(action, filter, onProgress) {
  const all = { done: 0, skipped: [], error: null };
  for (let after = ''; after !== null;) {
    try {
      const { done, skipped, next } = await api.changeFound(action, filter, after);
      all.done += done;
      all.skipped.push(...skipped);
      onProgress(all.done + all.skipped.length);
      after = next;
    } catch (error) {
      if (all.done + all.skipped.length === 0) throw error;
      return { ...all, error };
    }
  }
  return all;
}

const questionText = (action, { whole, ids, twice }) => {
  if (whole) return t(`bulk.${action}_whole`, { count: countText(whole) });
  return t(`bulk.${action}_sure`, { n: action === 'cancel' ? ids.length : twice });
};

/** more: the filter finds emails beyond those that are shown. */
export function Bulk({ selection, filter, more, onDone }) {
  const [asking, setAsking] = useState('');
  const [busy, setBusy] = useState(false);
  const [looked, setLooked] = useState(0);
  const [result, setResult] = useState(null);
  const [problem, setProblem] = useState('');
  const { ids, shown, whole, twice, retryable } = selection;
  const n = ids.length;
  useEffect(() => { if (n === 0) setAsking(''); }, [n === 0]);

  const run = async (action, uncertain = false) => {
    setBusy(true);
    setProblem('');
    setResult(null);
    setLooked(0);
    try {
      const answer = { action, ...(await (whole ? changeAll(action, filter, setLooked) : api.changeEmails(action, ids, uncertain))) };
      setResult(answer);
      announce(resultText(answer));
      if (answer.error) setProblem(t('bulk.broken_off', { why: errorText(answer.error) }));
      else selection.all(false);
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
          <span class="hint" data-picked=${whole ? whole.count : n}>${whole ? t('bulk.whole_picked', { count: countText(whole) }) : t('bulk.picked', { n })}</span>
          ${more && !whole && n === shown.length && html`<${Whole} selection=${selection} filter=${filter} />`}
          <div class="buttons">
            ${retryable && html`<button type="button" class="small" disabled=${busy} onClick=${() => (whole || twice > 0 ? setAsking('retry') : run('retry'))}>${t('email.retry')}</button>`}
            <button type="button" class="small danger" disabled=${busy} onClick=${() => setAsking('cancel')}>${t('email.cancel')}</button>
          </div>`}
      </div>`}
    ${asking === 'cancel' && n > 0 && html`
      <${Question} key="cancel" id="bulk-question" text=${questionText('cancel', selection)} button=${t('email.cancel')} danger busy=${busy} onYes=${() => run('cancel')} onNo=${() => setAsking('')} no=${t('email.keep')} />`}
    ${asking === 'retry' && (whole || twice > 0) && html`
      <${Question} key="retry" id="bulk-question" text=${questionText('retry', selection)} button=${t('email.retry')} busy=${busy} onYes=${() => run('retry', true)} onNo=${() => setAsking('')} no=${t('action.cancel')} />`}
    ${busy && looked > 0 && html`<p class="hint" role="status">${t('bulk.progress', { n: looked })}</p>`}
    ${result && html`<div class="bulk-result" data-done=${result.done} data-skipped=${result.skipped.length}>
      <${Notice} tone=${result.skipped.length ? 'warn' : 'good'}>${resultText(result)}<//></div>`}
    ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}`;
}
