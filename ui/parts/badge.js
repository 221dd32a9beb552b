// A verdict as a badge: icon and word, never colour alone. Verdicts of a domain check, results of a receiver (RFC 8601).
import { html } from '../html.js';
import { t, textOr } from '../i18n.js';
import { Icon } from './icon.js';

const VERDICTS = {
  good: ['good', 'check'], warning: ['warn', 'alert'], missing: ['warn', 'dash'], wrong: ['bad', 'cross'], unknown: ['plain', 'info'],
};
const RESULTS = {
  pass: ['good', 'check'], fail: ['bad', 'cross'], softfail: ['warn', 'alert'], permerror: ['bad', 'cross'], temperror: ['warn', 'clock'],
};

const Badge = ({ look: [tone, icon], text }) => html`<span class=${`badge ${tone}`}><${Icon} name=${icon} />${text}</span>`;

export const Verdict = ({ verdict }) => html`<${Badge} look=${VERDICTS[verdict] ?? VERDICTS.unknown} text=${t(`verdict.${verdict}`)} />`;

/** result: the receiver's own word, which is shown where we have none; empty: it said nothing. */
export function Result({ result: said }) {
  const result = said || 'none';
  return html`<${Badge} look=${RESULTS[result] ?? ['plain', 'dash']} text=${textOr(`result.${result}`, result)} />`;
}
