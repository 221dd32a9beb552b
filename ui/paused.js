// What waits while mail sending is off, and who switched it off: said beside every page and at the switch itself.
import { readable } from './domain.js';
import { moment, t } from './i18n.js';

/** Recipients that mail would go to now, if it could. */
export const waitingCount = ({ waiting }) =>
  (waiting.held || 0) + (waiting.queued || 0) + (waiting.deferred || 0) + (waiting.sending || 0);

export const changedBy = (who, time) => (who === 'operator' ? t('switch.changed_by_operator', { time })
  : who === 'API' ? t('switch.changed_by_api', { time }) : who === 'schedule' ? t('switch.changed_by_schedule', { time })
    : who ? t('switch.changed_by', { who: readable(who), time }) : t('switch.changed', { time }));

const reasonOf = (reason) => (reason === 'restored' ? t('switch.restored') : t('switch.reason_is', { reason }));

/** Who switched it off and when, why, and until when. */
export const pausedText = ({ changed_by: who, changed_at: at, reason, until }) => [
  at && changedBy(who, moment(at)), reason && reasonOf(reason), until && t('switch.until', { time: moment(until) }),
].filter(Boolean).join(' ');
