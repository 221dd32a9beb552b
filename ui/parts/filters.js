// What the outbox shows is part of its address: "back" brings it again, and it can be passed on.
import { useEffect, useState } from 'preact/hooks';

const OUTBOX = '#/outbox';
const SEARCH_AFTER_MS = 300;

let shown = OUTBOX;

/** The outbox as it was last looked at. */
export const lastOutbox = () => shown;

function readAddress() {
  const query = new URLSearchParams(location.hash.split('?')[1] ?? '');
  return Object.fromEntries(['state', 'class', 'q'].map((name) => [name, query.get(name) ?? '']));
}

function writeAddress(filters) {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value)).toString();
  shown = query ? `${OUTBOX}?${query}` : OUTBOX;
  const isHere = location.hash.split('?')[0] === OUTBOX; // or somebody is leaving, whose way this must not undo
  if (isHere && location.hash !== shown) history.replaceState(null, '', shown);
}

/** { state, kind, search: looked for; typed: in the search field; set(name)(value) }: name is state, class or q. */
export function useFilters() {
  const [filters, setFilters] = useState(readAddress);
  const [search, setSearch] = useState(filters.q.trim());
  useEffect(() => {
    const read = () => { if (location.hash.startsWith(OUTBOX)) setFilters(readAddress()); };
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  useEffect(() => { writeAddress({ ...filters, q: search }); }, [filters.state, filters.class, search]);
  useEffect(() => {
    const timer = setTimeout(() => setSearch(filters.q.trim()), SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [filters.q]);
  const set = (name) => (value) => setFilters((now) => ({ ...now, [name]: value }));
  return { state: filters.state, kind: filters.class, search, typed: filters.q, set };
}
