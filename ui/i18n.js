// Texts, dates and numbers in the chosen language. Keys are flat; a key with `.one` and `.other` is plural.
const LANGUAGES = ['de', 'en'];
const STORED = 'absender.language';

const areas = ['']; // what is loaded beside the texts that every page needs: "admin."

let language = 'en';
let texts = {};
let begin;
const begun = new Promise((resolve) => { begin = resolve; }); // once there are texts in some language
let plural = new Intl.PluralRules(language);

export const languages = () => LANGUAGES;
export const currentLanguage = () => language;

export function preferredLanguage() {
  const stored = localStorage.getItem(STORED);
  if (LANGUAGES.includes(stored)) return stored;
  return (navigator.language || '').toLowerCase().startsWith('de') ? 'de' : 'en';
}

async function read(area, wanted) {
  const answer = await fetch(new URL(`./i18n/${area}${wanted}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`language ${area}${wanted}: ${answer.status}`);
  return answer.json();
}

const loading = new Map(); // area: the promise of its texts

async function loadTexts(area) {
  await begun;
  const wanted = language;
  const more = await read(`${area}.`, wanted);
  areas.push(`${area}.`);
  if (wanted === language) texts = { ...texts, ...more };
  else await loadLanguage(language); // it was changed meanwhile
}

/** The texts of some pages or parts only: whoever needs them waits for them, once. */
export function needTexts(...wanted) {
  for (const area of wanted.filter((one) => !loading.has(one))) loading.set(area, loadTexts(area));
  return Promise.all(wanted.map((area) => loading.get(area)));
}

export async function loadLanguage(wanted) {
  const asked = [...areas];
  const parts = await Promise.all(asked.map((area) => read(area, wanted)));
  if (areas.length > asked.length) return loadLanguage(wanted); // a page that needs more was opened meanwhile
  texts = Object.assign({}, ...parts);
  language = wanted;
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  begin();
}

export async function chooseLanguage(wanted) {
  await loadLanguage(wanted);
  localStorage.setItem(STORED, wanted);
}

export const hasText = (key) => key in texts || `${key}.other` in texts;

/** The text of a key; `{name}` is replaced by values.name, and values.n chooses the plural form. */
export function t(key, values = {}) {
  const text = texts[key] ?? texts[`${key}.${plural.select(values.n)}`] ?? texts[`${key}.other`] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === 'number' ? number(value) : String(value);
  });
}

/** The text of a key if there is one, else what the server said. */
export const textOr = (key, otherwise, values) => (hasText(key) ? t(key, values) : otherwise);

/** The language as it is written where the reader lives, as his browser says: "en-GB" tells other dates than "en". */
const locale = () => (globalThis.navigator?.languages ?? []).find((one) => one.split('-')[0] === language) ?? language;

export const number = (value) => new Intl.NumberFormat(locale()).format(value);
export const list = (items) => new Intl.ListFormat(locale(), { type: 'conjunction' }).format(items);

export const dateTime = (iso) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
export const exactTime = (iso) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(iso));
export const date = (iso) => new Intl.DateTimeFormat(locale(), { dateStyle: 'medium' }).format(new Date(iso));
export const clock = (iso) => new Intl.DateTimeFormat(locale(), { timeStyle: 'short' }).format(new Date(iso));

const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
const DAY_MS = 24 * 3600 * 1000;

/** "heute, 14:05", "morgen, 08:00", "Dienstag, 09:30"; older than yesterday or a week ahead: with its date. */
export function moment(iso, now = Date.now()) {
  const days = Math.round((midnight(iso) - midnight(now)) / DAY_MS); // rounded: a day may have 23 hours
  if (!(days >= -1 && days < 7)) return dateTime(iso);
  const day = Math.abs(days) < 2 ? new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(days, 'day')
    : new Intl.DateTimeFormat(locale(), { weekday: 'long' }).format(new Date(iso));
  return `${day}, ${clock(iso)}`;
}

/** Whose clock times are told by here: "Europe/Berlin". */
export const timeZone = () => new Intl.DateTimeFormat().resolvedOptions().timeZone;

const STEPS = [[60, 'second', 1], [3600, 'minute', 60], [86400, 'hour', 3600], [604800, 'day', 86400]];

/** "vor 3 Minuten"; anything more than a week away as a date. */
export function relative(iso, now = Date.now()) {
  const seconds = Math.round((new Date(iso).getTime() - now) / 1000);
  const step = STEPS.find(([limit]) => Math.abs(seconds) < limit);
  if (!step) return dateTime(iso);
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  return format.format(Math.round(seconds / step[2]), step[1]);
}

export function duration(ms) {
  if (ms < 1) return `< ${duration(1)}`;
  const seconds = ms >= 1000;
  return new Intl.NumberFormat(locale(), {
    style: 'unit', unit: seconds ? 'second' : 'millisecond', unitDisplay: 'short', maximumFractionDigits: seconds ? 1 : 0,
  }).format(seconds ? ms / 1000 : ms);
}

const SPANS = [[90, 'second', 1], [5400, 'minute', 60], [129600, 'hour', 3600], [Infinity, 'day', 86400]];

/** "12 Minuten", "1,6 Stunden": rounded down, so that "at least" stays true. */
export function span(seconds) {
  const [, unit, step] = SPANS.find(([limit]) => seconds < limit);
  const digits = step < 3600 ? 1 : 10;
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long' }).format(Math.floor((seconds * digits) / step) / digits);
}

export function bytes(count) {
  const [value, unit] = count < 1000 ? [count, 'byte'] : count < 1e6 ? [count / 1e3, 'kilobyte'] : [count / 1e6, 'megabyte'];
  return new Intl.NumberFormat(locale(), {
    style: 'unit', unit, unitDisplay: unit === 'byte' ? 'long' : 'short', maximumFractionDigits: value < 10 && unit !== 'byte' ? 1 : 0,
  }).format(value);
}
