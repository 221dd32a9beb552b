// A list read page by page, newest first: what is shown, whether there is more, and the way back.
import { useEffect, useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { html } from '../html.js';
import { currentLanguage, t } from '../i18n.js';
import { useApp } from '../store.js';
import { Icon } from './icon.js';

const PAGE = 25;

/**
 * load(query) is called whenever `key` (what is looked for) or `fresh` (something has happened) or the language changes, when the server is back after
 * an outage, and on `retry`. What is shown stays while the server does not answer.
 */
export function usePages(load, key, fresh) {
  const [trail, setTrail] = useState({ key, cursors: [] }); // the last id of every page before this one
  const [page, setPage] = useState({ items: null, more: false, problem: '' });
  const [tries, setTries] = useState(0);
  const { connection } = useApp();
  const cursors = trail.key === key ? trail.cursors : [];
  const after = cursors.at(-1);
  const language = currentLanguage(); // some of what is listed are sentences
  useEffect(() => {
    let ended = false;
    load({ limit: PAGE, ...(after && { after }) }).then(
      ({ data, has_more: more }) => { if (!ended) setPage({ items: data, more, problem: '' }); },
      (error) => { if (!ended) setPage((known) => ({ ...known, items: known.items ?? [], problem: errorText(error) })); });
    return () => { ended = true; };
  }, [key, after, fresh, tries, language, connection.count]);
  return {
    ...page,
    first: cursors.length === 0,
    retry: () => setTries(tries + 1),
    older: () => setTrail({ key, cursors: [...cursors, page.items.at(-1).id] }),
    newer: () => setTrail({ key, cursors: cursors.slice(0, -1) }),
  };
}

export const Pager = ({ pages }) => (!pages.first || pages.more) && html`
  <nav class="pager" aria-label=${t('list.pages')}>
    <button type="button" disabled=${pages.first} onClick=${pages.newer}><${Icon} name="left" />${t('list.newer')}</button>
    <button type="button" disabled=${!pages.more} onClick=${pages.older}>${t('list.older')}<${Icon} name="right" /></button>
  </nav>`;
