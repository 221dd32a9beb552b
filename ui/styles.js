// The style sheets of some pages or parts only: whoever draws with them waits for them, once.
const sheets = new Map(); // name: the promise of it

/** Settles in any case: a page without its looks is still a page. */
const fetchSheet = (name) => new Promise((resolve) => {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = new URL(`./styles/${name}.css`, import.meta.url);
  link.onload = resolve;
  link.onerror = resolve;
  document.head.append(link);
});

export function needStyles(...wanted) {
  for (const name of wanted.filter((one) => !sheets.has(one))) sheets.set(name, fetchSheet(name));
  return Promise.all(wanted.map((name) => sheets.get(name)));
}
