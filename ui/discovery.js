// Looking up the servers of an address: one question at a time, and only the answer to the last one counts. No markup here.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, errorText } from './api.js';
import { domainOf, readable } from './domain.js';
import { currentLanguage, list, t } from './i18n.js';
import { valuesOfCandidate } from './proposal.js';
import { announce } from './store.js';

const DESTINATION = ['host', 'port', 'security', 'username'];
const NOTHING = { state: 'idle', email: '', answer: null, problem: '' };

const addressOf = ({ host, port }) => (host ? `${readable(host)}:${port}` : '');

export const isInForm = ({ host, port, security }, form) =>
  (host ?? '') === form.host.trim() && String(port) === form.port.trim() && security === form.security;

/** That nothing was found, and why, where that is known. */
export const nothingFound = ({ domain, filter }) => t(filter ? 'discovery.filter' : 'discovery.nothing', { domain: readable(domain), name: filter });

function verdictOf(answer) {
  const { best } = answer;
  if (!best) return nothingFound(answer);
  const open = best.open.map((name) => t(`settings.${name}`));
  return [t('discovery.found'), addressOf(best), open.length > 0 && t('discovery.open', { fields: list(open) })].filter(Boolean).join(' ');
}

/**
 * The look-up for a form: { state: idle, asking, done or failed; email, answer, problem, isOther, ask(email, wide), take(candidate), forget(),
 * settled() }. isOther: the best server for the address is not the one in the form. settled() resolves once nothing is looked up. ask resolves to the best candidate, or null; wide: also the public database, which only a person may want.
 */
export function useDiscovery(draft) {
  const [found, setFound] = useState(NOTHING);
  const turn = useRef(0);
  const running = useRef(Promise.resolve());
  const filledFor = useRef(''); // the domain whose server this has put into the form

  const propose = (values, email) => {
    filledFor.current = domainOf(email);
    draft.propose(values);
  };

  const take = (candidate, email = found.email) => propose(valuesOfCandidate(candidate, email), email);

  /**
   * Fills in what was found. Where nothing was, what is there for another domain goes: it would get this one's password. But what is in force
   * goes only where everybody asked has answered. Typing, before or meanwhile, comes first.
   */
  const fill = (best, email, before, isSure) => {
    if (!draft.takesProposals() || DESTINATION.some((name) => draft.form[name] !== before[name])) return;
    if (best) {
      const { username, ...server } = valuesOfCandidate(best, email);
      propose(draft.isTyped('username') ? server : { ...server, username }, email);
    } else if (filledFor.current ? filledFor.current !== domainOf(email) : isSure && draft.isLeft('host')) draft.withdraw();
  };

  const look = async (email, wide) => {
    const mine = ++turn.current;
    const before = { ...draft.form };
    setFound({ ...NOTHING, state: 'asking', email });
    announce(t('discovery.asking', { domain: readable(domainOf(email)) }));
    try {
      const answer = await api.discover(email, wide);
      if (mine !== turn.current) return null;
      setFound({ state: 'done', email, wide, answer, problem: '' });
      announce(verdictOf(answer));
      fill(answer.best, email, before, answer.steps.every(({ state }) => state !== 'failed'));
      return answer.best;
    } catch (error) {
      if (mine !== turn.current) return null;
      setFound({ ...NOTHING, state: 'failed', email, problem: errorText(error) });
      fill(null, email, before, false);
      return null;
    }
  };

  useEffect(() => { // its reasons come from the server: in the new language, by the same question
    if (found.state !== 'done') return;
    const mine = turn.current;
    api.discover(found.email, found.wide).then((answer) => { if (mine === turn.current) setFound((now) => ({ ...now, answer })); }, () => {});
  }, [currentLanguage()]);

  const ask = (email, wide = false) => {
    running.current = look(email, wide);
    return running.current;
  };

  const forget = () => {
    turn.current += 1;
    filledFor.current = '';
    setFound(NOTHING);
  };
  const isOther = Boolean(found.answer?.best) && domainOf(found.email) === domainOf(draft.form.from_email) && !isInForm(found.answer.best, draft.form);
  return { ...found, isOther, ask, take, forget, settled: () => running.current };
}
