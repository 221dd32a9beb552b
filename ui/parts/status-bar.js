// The five states of the setup: icon, words, and what to do now.
import { html } from '../html.js';
import { list, t } from '../i18n.js';
import { domainOf, readable } from '../domain.js';
import { Remedy } from './diagnosis.js';
import { Icon } from './icon.js';

const LOOKS = {
  not_configured: { tone: 'plain', icon: 'plug', reached: -1 },
  incomplete: { tone: 'info', icon: 'pencil', reached: 0 },
  verifying: { tone: 'info', icon: 'spinner', reached: 1 },
  complete: { tone: 'good', icon: 'check', reached: 2 },
  failed: { tone: 'bad', icon: 'alert', reached: 1 },
};
const WAY = ['incomplete', 'verifying', 'complete']; // what is done on the way; where nothing is done yet is no step of it

/** Fields by their labels, in one list. secret: what the provider calls the password. */
export const namesOf = (fields, secret) => list(fields.map((name) => (name === 'password' && secret) || t(name === 'security' ? 'facts.encryption' : name.startsWith('per_') ? `quota.${name}` : `settings.${name}`)));

/** The settings passed once, but the provider does not take the login any more. */
const refused = ({ setup, breaker }) => setup === 'complete' && Boolean(breaker);

/** What the form holds counts before what the server has got of it. */
function whatToDo({ setup, missing, sending, sending_with: inForce, breaker, active }, draft, sandbox, otherServer, secret) {
  if (otherServer && setup !== 'verifying') {
    return t('setup.other_server', { host: readable(otherServer.host ?? '') || t('discovery.own_host'), domain: readable(domainOf(draft.form.from_email)) });
  }
  const wrong = setup === 'verifying' || !draft ? [] : draft.wrong();
  if (wrong.length) return t('setup.wrong', { n: wrong.length, fields: namesOf(wrong) });
  const open = setup !== 'incomplete' ? [] : draft ? draft.missing(missing) : missing.map((name) => name.replace('oauth/', ''));
  if (open.length) return t('setup.incomplete.missing', { fields: namesOf(open, secret) });
  if (refused({ setup, breaker })) return t(active?.auth === 'oauth2' ? 'setup.complete.refused_token' : 'setup.complete.refused');
  if (setup === 'complete') {
    if (sandbox && sending.enabled) return t('setup.complete.sandbox');
    return sending.enabled ? t('setup.complete.sending', { host: readable(inForce?.host ?? '') }) : t(sending.reason === 'initial' ? 'setup.complete.initial' : 'setup.complete.paused');
  }
  return t(`setup.${setup}.todo`);
}

const Way = ({ setup }) => {
  const { reached } = LOOKS[setup];
  return html`
    <ol class="way" aria-hidden="true">
      ${WAY.map((name, i) => html`
        <li class=${i < reached ? 'past' : i === reached ? 'here' : ''} key=${name}>${t(`setup.${name}.short`)}</li>`)}
    </ol>`;
};

/** The settings passed once, and now something is wrong on the way: the health of what is in force, or null. */
export const ailing = ({ setup, health }) => (setup === 'complete' && ['degraded', 'unreachable'].includes(health?.state) ? health : null);
const AILING = { tone: 'warn', icon: 'alert' };

const Ailing = ({ diagnosis }) => diagnosis && html`
  <p class="status-second">${diagnosis.meaning}</p>
  ${diagnosis.fix && html`<p class="status-todo">${diagnosis.fix}</p>`}
  <div class="status-remedy"><${Remedy} diagnosis=${diagnosis} /></div>`;

/**
 * draft: the form's, once it has come. onEdit: opens and closes the form below, if it can be closed; onNear: somebody is about to. sandbox: what is in force delivers nothing. otherServer: found for the
 * address, and not in the form. secret: what the provider calls the password.
 */
export function StatusBar({ smtp, draft, editing, onEdit, headingRef, sandbox, otherServer, secret, onNear }) {
  const ill = ailing(smtp);
  const { tone, icon } = ill ? AILING : LOOKS[refused(smtp) ? 'failed' : smtp.setup];
  const title = refused(smtp) ? t('health.credential_fault') : ill ? t(`health.${ill.state}`) : t(`setup.${smtp.setup}`);
  return html`
    <section class=${`status ${tone}`} aria-labelledby="status-title">
      <div class="status-icon"><${Icon} name=${icon} spin=${smtp.setup === 'verifying'} /></div>
      <div class="status-words">
        <h2 id="status-title" tabindex="-1" ref=${headingRef} data-setup=${smtp.setup}>${title}</h2>
        ${smtp.setup === 'failed' && smtp.sending_with && html`<p class="status-second">${t('setup.failed.not_in_force')}</p>`}
        ${ill ? html`<${Ailing} diagnosis=${ill.diagnosis ?? smtp.last_failure?.diagnosis} />`
          : html`<p class="status-todo">${whatToDo(smtp, draft, sandbox, otherServer, secret)}</p>`}
      </div>
      ${onEdit && html`
        <button type="button" class="edit" aria-expanded=${editing ? 'true' : 'false'} aria-controls=${editing ? 'edit' : undefined} onClick=${onEdit}
          onPointerEnter=${onNear} onFocus=${onNear}>
          <${Icon} name=${editing ? 'cross' : 'pencil'} />${t(editing ? 'flow.close' : smtp.draft ? 'flow.edit_draft' : 'flow.edit')}</button>`}
      ${smtp.setup !== 'complete' && html`<${Way} setup=${smtp.setup} />`}
    </section>`;
}
