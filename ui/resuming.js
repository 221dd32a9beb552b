// Switching mail sending on. No markup here.
import { useState } from 'preact/hooks';
import { api, errorText } from './api.js';
import { t } from './i18n.js';
import { announce, takeSmtp } from './store.js';

/** True if there is anything to decide about. */
const holdsAny = (preview) => ['send', 'later', 'expire'].some((fate) => preview[fate].total > 0);

/**
 * Switching on, for whatever asks for it: at once if nothing waits, else after a look at what would go out.
 * { preview, done, problem, ask(), confirm(classes), close() }; done: how many recipients were dropped, null: not switched on here.
 */
export function useResume() {
  const [state, setState] = useState({ preview: null, done: null, problem: '' });
  const attempt = async (action) => {
    try {
      await action();
    } catch (error) {
      setState({ preview: null, done: null, problem: errorText(error) });
    }
  };
  const switchOn = async (classes) => {
    const answer = await api.setSending({ enabled: true, ...(classes.length && { cancel_classes: classes }) });
    takeSmtp(answer);
    const done = answer.cancelled ?? 0;
    announce([t('switch.now_on'), done > 0 && t('resume.dropped', { n: done })].filter(Boolean).join(' '));
    setState({ preview: null, done, problem: '' });
  };
  return {
    ...state,
    ask: () => attempt(async () => {
      const preview = await api.sendingPreview();
      if (holdsAny(preview)) setState({ preview, done: null, problem: '' });
      else await switchOn([]);
    }),
    confirm: (classes) => attempt(() => switchOn(classes)),
    close: () => setState({ preview: null, done: null, problem: '' }),
  };
}
