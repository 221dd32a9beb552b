// A moment: relative where that helps, the exact time always on hover and for machines.
import { html } from '../html.js';
import { dateTime, exactTime, relative } from '../i18n.js';

export const Time = ({ at, near = false }) => at && html`
  <time dateTime=${at} title=${exactTime(at)}>${near ? relative(at) : dateTime(at)}</time>`;
