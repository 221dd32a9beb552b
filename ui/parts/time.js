// A moment: relative where that helps, the exact time always on hover and for machines; and words that count down.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { exactTime, moment, relative } from '../i18n.js';

/** near: relative; ahead: likewise, of what is still to come. */
export const Time = ({ at, near = false, ahead = false }) => at && html`
  <time dateTime=${at} title=${exactTime(at)}>${ahead ? untilText(at, Date.now()) : near ? relative(at) : moment(at)}</time>`;

/** The time now, drawn again every second. */
export function useNow() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** "in 8 Minuten", second by second; what is due is due "now", not ago. */
export const untilText = (at, now) => relative(at, Math.min(now, new Date(at).getTime()));
