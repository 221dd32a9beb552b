// Before sending is switched on: what would go out, what would not, how long it takes, and which classes are not to go at all.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { list, moment, needTexts, number, span, t } from '../i18n.js';
import { EMAIL_CLASSES } from './email-state.js';
import { Notice } from './notice.js';

await needTexts('tools');

const FATES = ['send', 'later', 'expire'];

/** Everything of one class that waits. */
const countOf = (preview, name) => FATES.reduce((sum, fate) => sum + preview[fate][name], 0);

/** Of what goes now: how much of it, in the classes that are not dropped, that figure says. */
const ofThese = (counts, cancelled) => counts.total - cancelled.reduce((sum, name) => sum + counts[name], 0);

/** What is ticked to be dropped stays in its line, struck out, and counts no more. */
const Table = ({ preview, classes, cancelled }) => html`
  <table class="counts">
    <caption class="unseen">${t('resume.title')}</caption>
    <thead><tr><th scope="col">${t('outbox.class')}</th>${FATES.map((fate) => html`<th scope="col" key=${fate}>${t(`resume.${fate}`)}</th>`)}</tr></thead>
    <tbody>${classes.map((name) => html`
      <tr key=${name} data-class=${name} class=${cancelled.includes(name) ? 'dropped' : ''}><th scope="row">${t(`class.${name}`)}</th>
        ${FATES.map((fate) => html`<td key=${fate}>${number(cancelled.includes(name) ? 0 : preview[fate][name])}</td>`)}</tr>`)}</tbody>
    <tfoot><tr><th scope="row">${t('resume.total')}</th>${FATES.map((fate) => html`
      <td key=${fate}>${number(ofThese(preview[fate], cancelled))}</td>`)}</tr></tfoot>
  </table>`;

/** restored: what waits comes from a backup, and some of it may have been sent since. */
export function Resume({ preview, restored, onConfirm, onClose }) {
  const heading = useRef(null);
  const [cancelled, setCancelled] = useState([]);
  useLayoutEffect(() => heading.current.focus(), []); // wherever it was asked for
  const classes = EMAIL_CLASSES.filter((name) => countOf(preview, name) > 0);
  const dropped = cancelled.reduce((sum, name) => sum + countOf(preview, name), 0);
  const [twice, mayExpire] = [preview.uncertain, preview.may_expire].map((counts) => ofThese(counts, cancelled));
  const toggle = (name) => setCancelled(cancelled.includes(name) ? cancelled.filter((one) => one !== name) : [...cancelled, name]);
  return html`
    <form class="ask resume" aria-labelledby="resume-title" onSubmit=${(event) => { event.preventDefault(); onConfirm(cancelled); }}>
      <h3 id="resume-title" tabindex="-1" ref=${heading}>${t('resume.title')}</h3>
      ${restored && html`<${Notice} tone="warn">${t('switch.restored')}<//>`}
      <${Table} preview=${preview} classes=${classes} cancelled=${cancelled} />
      ${preview.expire.total > 0 && html`<p class="hint">${t('resume.expired_stays')}</p>`}
      ${twice > 0 && html`<p class="hint urgent">${t('resume.twice', { n: twice })}</p>`}
      ${preview.oldest_at && html`<p>${t('resume.oldest', { time: moment(preview.oldest_at) })}</p>`}
      ${preview.takes_at_least_s > 0 && dropped === 0 && html`<p>${t('resume.takes', { span: span(preview.takes_at_least_s) })}</p>`}
      ${mayExpire > 0 && html`<p class="hint urgent">${t('resume.may_expire', { n: mayExpire })}</p>`}
      <fieldset class="picks">
        <legend>${t('resume.cancel')}</legend>
        ${classes.map((name) => html`
          <label key=${name}><input type="checkbox" name="cancel_class" value=${name} checked=${cancelled.includes(name)} onChange=${() => toggle(name)} />
            ${t('resume.cancel_class', { name: t(`class.${name}`), n: countOf(preview, name) })}</label>`)}
        ${dropped > 0 && html`<p class="hint urgent" role="status">${t('resume.for_good', { n: dropped, classes: list(cancelled.map((name) => t(`class.${name}`))) })}</p>`}
      </fieldset>
      <div class="buttons">
        <button type="submit" class=${dropped > 0 ? 'danger' : 'primary'}>${dropped > 0 ? t('resume.on_without', { n: dropped }) : t('resume.on')}</button>
        <button type="button" onClick=${onClose}>${t('action.cancel')}</button>
      </div>
    </form>`;
}
