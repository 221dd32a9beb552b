// What a provider sent along when it led a browser back here. It is taken out of the address at once: it is worth a sign-in, and no
// history is to keep it.
const PATH = '/oauth/return';
let taken = '';

/** Before the address is read: what came back is kept for the page, and the address becomes the one of that page. */
export function takeReturned() {
  if (location.pathname !== PATH) return;
  taken = location.search;
  history.replaceState(null, '', '/#/oauth-return');
}

/** What came back, as the server takes it, once; null: nothing. */
export function returned() {
  const given = new URLSearchParams(taken);
  taken = '';
  if (!given.get('state')) return null;
  const known = ['state', 'code', 'error', 'error_description'].filter((name) => given.has(name));
  return Object.fromEntries(known.map((name) => [name, given.get(name)]));
}
