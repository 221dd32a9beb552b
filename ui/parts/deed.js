// One thing at a time that the server is asked to do, and the question before it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { errorText } from '../api.js';

/** { busy, problem, run(action) }; run tells what came of it, or undefined when it was refused. */
export function useDeed() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const run = async (action) => {
    if (busy) return undefined;
    setBusy(true);
    setProblem('');
    try {
      return await action();
    } catch (error) {
      setProblem(errorText(error));
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, run };
}

/**
 * What is asked before it is done: { asking, ask(name), settle(), cancel(), row }. row: ref of the element in which the button `data-ask=name`
 * stands, which goes while it asks; cancel gives it the focus back, and so it is for what was refused.
 */
export function useAsking() {
  const [asking, setAsking] = useState('');
  const row = useRef(null);
  const back = useRef('');
  useEffect(() => {
    if (asking || !back.current) return;
    row.current?.querySelector(`[data-ask=${back.current}]`)?.focus();
    back.current = '';
  }, [asking]);
  return {
    asking, row, ask: setAsking,
    settle: () => setAsking(''),
    cancel: () => { back.current = asking; setAsking(''); },
  };
}
