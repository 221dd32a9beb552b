// What the server says to one question: asked again after an outage, in a new language, and whenever the page wants to.
import { useEffect, useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { currentLanguage } from '../i18n.js';
import { useApp } from '../store.js';

/** key: what is asked for. { answer, problem, again() }; an answer that is there stays until a newer one is. */
export function useAnswer(ask, key = '') {
  const [state, setState] = useState({ answer: null, problem: '' });
  const [turn, setTurn] = useState(0);
  const { connection } = useApp();
  const language = currentLanguage();
  useEffect(() => {
    let ended = false;
    ask().then((answer) => { if (!ended) setState({ answer, problem: '' }); },
      (error) => { if (!ended) setState((known) => ({ ...known, problem: errorText(error) })); });
    return () => { ended = true; };
  }, [key, turn, language, connection.count]);
  return { ...state, again: () => setTurn((n) => n + 1) };
}
