// Texts, dates and numbers in the chosen language. Keys are flat; a key with `.one` and `.other` is plural.
const LANGUAGES = ['de', 'en'];
const STORED = 'absender.language';

const areas = ['']; // what is loaded beside the texts that every page needs: "admin."

let language = 'en';
let texts = {};
let choose;
const chosen = new Promise((resolve) => { choose = resolve; }); // which language it is, before its texts have come
let begin;
const begun = new Promise((resolve) => { begin = resolve; }); // once there are texts in some language

export const languages = () => LANGUAGES;
export const currentLanguage = () => language;

function preferredLanguage() {
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
  await chosen;
  const wanted = language;
  const more = await read(`${area}.`, wanted);
  await begun;
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
  document.documentElement.lang = language;
  begin();
}

/** The language that is preferred here: known at once, its texts when this has settled. */
export function startLanguage() {
  language = preferredLanguage();
  choose();
  return loadLanguage(language);
}

export async function chooseLanguage(wanted) {
  await loadLanguage(wanted);
  localStorage.setItem(STORED, wanted);
}

export const hasText = (key) => key in texts || `${key}.other` in texts;

/** The text of a key; `{name}` is replaced by values.name, and values.n chooses the plural form. A name that ends with a full stop ("e. V.") ends its sentence with it. */
export function t(key, values = {}) {
  const text = texts[key] ?? texts[`${key}.${formatOf('PluralRules').select(values.n)}`] ?? texts[`${key}.other`] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === 'number' ? number(value) : String(value);
  }).replace(/([^.])\.\.(?= |$)/g, '$1.');
}

/** The text of a key if there is one, else what the server said. */
export const textOr = (key, otherwise, values) => (hasText(key) ? t(key, values) : otherwise);

/** The language as it is written where the reader lives, as his browser says: "en-GB" tells other dates than "en". */
const locale = () => (globalThis.navigator?.languages ?? []).find((one) => one.split('-')[0] === language) ?? language;

const formats = new Map(); // by what they are made of: to make one takes longer than to use it a hundred times

function formatOf(kind, options = {}) {
  const name = JSON.stringify([kind, locale(), options]);
  if (!formats.has(name)) formats.set(name, new Intl[kind](locale(), options));
  return formats.get(name);
}

/** Hours from 0 to 23 in every country: so the server's own sentences tell them too. */
const CLOCK = { timeStyle: 'short', hourCycle: 'h23' };
const MOMENT = { dateStyle: 'medium', ...CLOCK };
const inWords = (options, time) => formatOf('DateTimeFormat', options).format(new Date(time));

/** What has three digits is written alike everywhere. */
export const number = (value) => (Number.isInteger(value) && value >= 0 && value < 1000 ? String(value) : formatOf('NumberFormat').format(value));
export const list = (items) => formatOf('ListFormat', { type: 'conjunction' }).format(items);

export const dateTime = (iso) => inWords(MOMENT, iso);
export const exactTime = (iso) => inWords({ ...MOMENT, timeStyle: 'medium' }, iso);
export const date = (iso) => inWords({ dateStyle: 'medium' }, iso);
export const clock = (iso) => inWords(CLOCK, iso);

const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
const DAY_MS = 24 * 3600 * 1000;

/** "heute, 14:05", "morgen, 08:00", "Dienstag, 09:30"; older than yesterday or a week ahead: with its date. */
export function moment(iso, now = Date.now()) {
  const days = Math.round((midnight(iso) - midnight(now)) / DAY_MS); // rounded: a day may have 23 hours
  if (!(days >= -1 && days < 7)) return dateTime(iso);
  const day = Math.abs(days) < 2 ? formatOf('RelativeTimeFormat', { numeric: 'auto' }).format(days, 'day')
    : inWords({ weekday: 'long' }, iso);
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
  return formatOf('RelativeTimeFormat', { numeric: 'auto' }).format(Math.round(seconds / step[2]), step[1]);
}

export function duration(ms) {
  if (ms < 1) return `< ${duration(1)}`;
  const seconds = ms >= 1000;
  return formatOf('NumberFormat', {
    style: 'unit', unit: seconds ? 'second' : 'millisecond', unitDisplay: 'short', maximumFractionDigits: seconds ? 1 : 0,
  }).format(seconds ? ms / 1000 : ms);
}

const SPANS = [[90, 'second', 1], [5400, 'minute', 60], [129600, 'hour', 3600], [Infinity, 'day', 86400]];

/** "12 Minuten", "1,6 Stunden": rounded down, so that "at least" stays true. */
export function span(seconds) {
  const [, unit, step] = SPANS.find(([limit]) => seconds < limit);
  const digits = step < 3600 ? 1 : 10;
  return formatOf('NumberFormat', { style: 'unit', unit, unitDisplay: 'long' }).format(Math.floor((seconds * digits) / step) / digits);
}

export function bytes(count) {
  const [value, unit] = count < 1000 ? [count, 'byte'] : count < 1e6 ? [count / 1e3, 'kilobyte'] : [count / 1e6, 'megabyte'];
  return formatOf('NumberFormat', {
    style: 'unit', unit, unitDisplay: unit === 'byte' ? 'long' : 'short', maximumFractionDigits: value < 10 && unit !== 'byte' ? 1 : 0,
  }).format(value);
}
