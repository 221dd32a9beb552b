// The field that a failed check points at: the one its diagnosis would have changed, or none. No markup here.
import { t } from './i18n.js';
import { fieldOfRefusal } from './oauth.js';

/** What an action of a diagnosis speaks of. */
const FIELD_OF_ACTION = {
  use_right_host: 'host', use_sibling_port: 'port', use_from_of_login: 'from_email', use_address_as_username: 'username',
  use_mailbox_login: 'username', enter_password_again: 'password', open_app_password: 'password',
};
/** Where nothing can be offered, the rungs that are about one field alone. */
const FIELD_OF_PHASE = { dns: 'host', certificate: 'host', sender: 'from_email', recipient: 'probe_recipient' };

function fieldOf(phase, actions, form) {
  const isOauth = form.auth === 'oauth2';
  if (phase === 'token') return isOauth ? fieldOfRefusal(actions, form) : undefined;
  if (phase === 'auth' && isOauth) return undefined; // a token that the mail server refuses is no fault of a field
  return actions.length ? actions.map(({ code }) => FIELD_OF_ACTION[code]).find(Boolean) : FIELD_OF_PHASE[phase];
}

/** { name, text }: the field and what to say there. A network that fails, a limit or a clock is no fault of a field: null. */
export function faultOfRun(run, form) {
  const phase = run?.state === 'failed' ? run.phases.find(({ state }) => state === 'failed')?.name : null;
  const name = phase && fieldOf(phase, run.diagnosis?.actions ?? [], form);
  return name ? { name, text: run.diagnosis?.meaning ?? t(`run.${run.state}`) } : null;
}
