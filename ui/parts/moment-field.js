// A day and time to come, as people of this place write it. Empty: none.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Field } from './field.js';

/** The value of the field for a moment, in the time of this place and to the minute. */
export function fieldOf(iso) {
  const at = new Date(iso);
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

/** The moment in the field; null: empty. */
export const momentOf = (value) => (value ? new Date(value).toISOString() : null);

/** What is wrong with it, or ''. Half a date is an empty value to the page, but not to the eye. */
export function faultOfMoment(id, value, required = false) {
  if (document.getElementById(id)?.validity.badInput) return t('fault.half_moment');
  if (!value) return required ? t('fault.missing.moment') : '';
  return new Date(value) > Date.now() ? '' : t('fault.not_future');
}

export const MomentField = (props) => html`<${Field} ...${props} type="datetime-local" min=${fieldOf(Date.now())} />`;
