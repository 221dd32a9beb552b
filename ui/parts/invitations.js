// Invitations: those still open, with what became of their mail and the link to hand on; and those that are over, which may get a new link.
import { readable } from '../domain.js';
import { html } from '../html.js';
import { dateTime, t } from '../i18n.js';
import { people } from '../people-api.js';
import { announce, useApp } from '../store.js';
import { copyText } from './copy-button.js';
import { useAsking, useDeed } from './deed.js';
import { invitationMail, useLink } from './handed-link.js';
import { Icon } from './icon.js';
import { LinkBox } from './link-box.js';
import { Problem } from './notice.js';
import { Pager } from './paged-list.js';
import { Question } from './question.js';
import { RoleBadge } from './role.js';
import { Time } from './time.js';

const DELIVERIES = {
  queued: ['info', 'outbox'], deferred: ['warn', 'clock'], held: ['warn', 'pause'], not_configured: ['plain', 'dash'], sent: ['good', 'check'], failed: ['bad', 'cross'], copied: ['plain', 'copy'],
};
const OVER = { accepted: ['good', 'check'], revoked: ['plain', 'cross'], expired: ['plain', 'clock'] };

const Badge = ({ look: [tone, icon], text }) => html`<span class=${`badge ${tone}`}><${Icon} name=${icon} />${text}</span>`;

/** Somebody may be holding the link that a fresh one kills; without a mail it was shown when it was made. */
const isOut = ({ delivery }) => ['queued', 'deferred', 'held', 'not_configured', 'sent', 'copied'].includes(delivery);

const Link = ({ id, email, box, onDone }) => html`
  <${LinkBox} id=${id} title=${t('invite.link_for', { email: readable(email) })} link=${box.url} expires=${box.expires} copied=${box.copied} replaced=${box.replaced}
    mail=${invitationMail(email, useApp().session.org_name, box)} onDone=${onDone}><p class="hint">${t('invite.hand_on', { email: readable(email) })}</p><//>`;

const boxOf = ({ link: url, expires_at: expires, copied }) => ({ url, expires, copied });

function Invitation({ invitation, sends, fresh, onSeen, onChanged, onGone }) {
  const { id, email, delivery } = invitation;
  const { busy, problem, run } = useDeed();
  const { link, take, show, hide } = useLink();
  const { asking, row, ask, settle, cancel } = useAsking();
  const box = link ?? fresh;
  const renews = isOut(invitation) || box;

  const copy = async () => {
    const answer = await run(() => people.invitationLink(id));
    if (!answer) {
      cancel();
      return;
    }
    settle();
    onSeen();
    await take(answer, Boolean(renews));
    onChanged();
  };
  const resend = async () => {
    const answer = await run(() => people.resendInvitation(id));
    if (!answer) return;
    announce(t('invite.resent', { email: readable(email) }));
    onSeen();
    show(answer, { replaced: true });
    onChanged();
  };
  const revoke = async () => {
    if (!await run(() => people.revokeInvitation(id))) return;
    announce(t('invite.revoked', { email: readable(email) }));
    onGone();
  };

  return html`
    <li data-invitation=${id} data-delivery=${delivery} ref=${row}>
      <div class="person">
        <p><strong>${readable(email)}</strong> <${RoleBadge} role=${invitation.role} /> <${Badge} look=${DELIVERIES[delivery]} text=${t(`delivery.${delivery}`)} /></p>
        <p class="hint">${delivery === 'copied' && box ? '' : invitation.delivery_text}${invitation.email_id && html` <a href=${`#/outbox/${invitation.email_id}`}>${t('invite.see_mail')}</a>`}</p>
        <p class="hint">${t(invitation.created_by === 'operator' ? 'invite.by_operator' : 'invite.by', { who: readable(invitation.created_by ?? ''), time: dateTime(invitation.created_at) })} ${t('invite.expires', { time: dateTime(invitation.expires_at) })}</p>
      </div>
      ${!asking && html`
        <div class="buttons">
          <button type="button" class="small" data-ask="copy" aria-disabled=${busy ? 'true' : undefined} aria-label=${t(renews ? 'invite.renew_what' : 'invite.copy_what', { email: readable(email) })}
            onClick=${() => (renews ? ask('copy') : copy())}><${Icon} name=${renews ? 'key' : 'copy'} />${t(renews ? 'invite.renew' : 'invite.copy')}</button>
          ${sends && html`<button type="button" class="small" aria-disabled=${busy ? 'true' : undefined} aria-label=${t('invite.resend_what', { email: readable(email) })} onClick=${resend}>${t('invite.resend')}</button>`}
          <button type="button" class="small danger" data-ask="revoke" aria-label=${t('invite.revoke_what', { email: readable(email) })} onClick=${() => ask('revoke')}>${t('invite.revoke')}</button>
        </div>`}
      ${asking === 'copy' && html`
        <${Question} id="link-question" text=${t(['copied', 'not_configured'].includes(delivery) ? 'invite.copy_sure_copied' : 'invite.copy_sure')} button=${t('invite.renew')} busy=${busy} onYes=${copy} onNo=${cancel} no=${t('action.cancel')} />`}
      ${asking === 'revoke' && html`
        <${Question} id="revoke-question" text=${t('invite.revoke_sure', { email: readable(email) })} button=${t('invite.revoke')} danger busy=${busy} onYes=${revoke} onNo=${cancel} no=${t('action.cancel')} />`}
      <${Problem} text=${problem} />
      ${box && html`<${Link} id=${id} email=${email} box=${box} onDone=${() => { hide(); onSeen(); }} />`}
    </li>`;
}

const overAt = ({ accepted_at: accepted, revoked_at: revoked, expires_at: expired }) => accepted ?? revoked ?? expired;

/** One whose time is over, and no newer one took its place: a link that is dead anyway is renewed without a question. */
function Expired({ invitation: { id, email }, sends, onMade }) {
  const { busy, problem, run } = useDeed();
  const copy = async () => {
    const answer = await run(() => people.invitationLink(id));
    if (!answer) return;
    const copied = await copyText(answer.link);
    if (copied) announce(t('link.copied'));
    onMade({ ...answer, copied });
  };
  const resend = async () => {
    const answer = await run(() => people.resendInvitation(id));
    if (!answer) return;
    announce(t('invite.resent', { email: readable(email) }));
    onMade(answer);
  };
  return html`
    <div class="buttons">
      <button type="button" class="small" aria-disabled=${busy ? 'true' : undefined} aria-label=${t('invite.renew_what', { email: readable(email) })} onClick=${copy}><${Icon} name="key" />${t('invite.renew')}</button>
      ${sends && html`<button type="button" class="small" aria-disabled=${busy ? 'true' : undefined} aria-label=${t('invite.resend_what', { email: readable(email) })} onClick=${resend}>${t('invite.resend')}</button>`}
    </div>
    <${Problem} text=${problem} />`;
}

const Past = ({ invitation, sends, onMade }) => html`
  <li data-invitation=${invitation.id} data-state=${invitation.state}>
    <div class="person">
      <p><strong>${readable(invitation.email)}</strong> <${Badge} look=${OVER[invitation.state]} text=${t(`invitation_state.${invitation.state}`)} /></p>
      <p class="hint"><${Time} at=${overAt(invitation)} /></p>
    </div>
    ${invitation.state === 'expired' && !invitation.revoked_at && html`<${Expired} invitation=${invitation} sends=${sends} onMade=${onMade} />`}
  </li>`;

/**
 * open, past: pages of them, newest first; made: the answer that brought the last fresh link, shown until onSeen, here or (onMade) from here; sends:
 * whether mail can be sent.
 */
export function Invitations({ open, past, made, sends, onMade, onSeen, onChanged }) {
  const focus = () => document.getElementById('invitations-title')?.focus();
  const gone = () => { focus(); onChanged(); };
  const isElsewhere = made && !open.items.some(({ id }) => id === made.id) && (!open.first || open.more); // on another page
  return html`
    <section class="card" aria-labelledby="invitations-title">
      <h2 id="invitations-title" tabindex="-1">${t('invite.open')}</h2>
      ${open.items.length === 0 && open.first && html`<p class="hint">${t('invite.none')}</p>`}
      ${isElsewhere && html`<${Link} id=${made.id} email=${made.email} box=${boxOf(made)} onDone=${() => { focus(); onSeen(); }} />`}
      ${open.items.length > 0 && html`
        <ul class="people-list">${open.items.map((one) => html`
          <${Invitation} key=${one.id} invitation=${one} sends=${sends} onChanged=${onChanged} onGone=${gone}
            onSeen=${() => { if (made?.id === one.id) onSeen(); }} fresh=${made?.id === one.id ? boxOf(made) : null} />`)}</ul>`}
      <${Pager} pages=${open} />
      ${(past.items.length > 0 || !past.first) && html`
        <details><summary>${t('invite.past')}</summary>
          <ul class="people-list">${past.items.map((one) => html`<${Past} key=${one.id} invitation=${one} sends=${sends} onMade=${onMade} />`)}</ul>
          <${Pager} pages=${past} />
        </details>`}
    </section>`;
}
