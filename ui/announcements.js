// What a screen reader is told of a run. No markup here.
import { useEffect, useRef } from 'preact/hooks';
import { t } from './i18n.js';
import { announce } from './store.js';

const summaryOf = (run) => {
  const failed = run.phases.find((phase) => phase.state === 'failed');
  return run.state === 'failed' && failed
    ? t('run.failed.at', { phase: t(`phase.${failed.name}`), meaning: run.diagnosis?.meaning ?? '' })
    : t(`run.${run.state}`);
};

/** One polite message for each rung that is reached, and one summary at the end, for a run that happens before our eyes (decision 0030). */
export function useAnnouncements(run, live) {
  const spoken = useRef('');
  useEffect(() => {
    if (!run || !live) return;
    const now = run.phases.findLast((phase) => ['running', 'passed', 'failed'].includes(phase.state));
    const next = run.state === 'running' ? now && `${t(`phase.${now.name}`)}: ${t(`phase_state.${now.state}`)}` : summaryOf(run);
    const mark = `${run.id} ${run.state} ${run.state === 'running' ? now?.name : ''}`;
    if (!next || mark === spoken.current) return;
    spoken.current = mark;
    announce(next);
  }, [run, live]);
}
