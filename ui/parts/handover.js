// Who has forgotten the password and gets no mail: an administrator hands the link on, and says so.
import { readable } from '../domain.js';
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { people } from '../people-api.js';
import { announce, useApp } from '../store.js';
import { useAsking, useDeed } from './deed.js';
import { resetMail, useLink } from './handed-link.js';
import { Icon } from './icon.js';
import { LinkBox } from './link-box.js';
import { Problem } from './notice.js';
import { Question } from './question.js';

const LOOKS = { asked: ['info', 'clock'], mailed: ['good', 'mail'], to_hand_over: ['warn', 'key'], handed_over: ['plain', 'user'] };

/** Somebody may be holding the link that a fresh one kills. */
const isOut = ({ state }) => ['mailed', 'handed_over'].includes(state);

function Reset({ reset, onChanged, onGone }) {
  const { id, member, state } = reset;
  const who = member.name || readable(member.email);
  const { busy, problem, run } = useDeed();
  const { link, take, hide } = useLink();
  const { asking, row, ask, settle, cancel } = useAsking();
  const isOwn = useApp().session.member.email === member.email; // nobody makes one for himself: the server refuses it
  const renews = isOut(reset) || link;

  const copy = async () => {
    const answer = await run(() => people.askedResetLink(id));
    if (!answer) {
      cancel();
      return;
    }
    settle();
    await take(answer, Boolean(renews));
    onChanged();
  };
  const dismiss = async () => {
    if (!await run(() => people.dismissReset(id))) return;
    announce(t('handover.dismissed'));
    onGone();
  };

  return html`
    <li data-reset=${id} data-state=${state} ref=${row}>
      <div class="person">
        <p><strong>${who}</strong> <span class="hint">${readable(member.email)}</span> <span class=${`badge ${LOOKS[state][0]}`}><${Icon} name=${LOOKS[state][1]} />${t(`handover.${state}`)}</span></p>
        ${reset.text && !link && html`<p class="hint">${reset.text}</p>`}
        <p class="hint">${t(reset.asked_from ? 'handover.asked_from' : 'handover.made_at', { time: moment(reset.asked_at), from: reset.asked_from })}</p>
        ${isOwn && html`<p class="hint">${t('handover.own')} <a href="#/account">${t('account.title')}</a></p>`}
      </div>
      ${!asking && html`
        <div class="buttons">
          ${!isOwn && html`<button type="button" class=${state === 'to_hand_over' ? 'small primary' : 'small'} data-ask="copy" aria-disabled=${busy ? 'true' : undefined} aria-label=${t(renews ? 'handover.renew_what' : 'handover.copy_what', { who })}
            onClick=${() => (renews ? ask('copy') : copy())}><${Icon} name=${renews ? 'key' : 'copy'} />${t(renews ? 'invite.renew' : 'invite.copy')}</button>`}
          <button type="button" class="small" aria-disabled=${busy ? 'true' : undefined} aria-label=${t('handover.dismiss_what', { who })} onClick=${dismiss}>${t('handover.dismiss')}</button>
        </div>`}
      ${asking && html`
        <${Question} id="reset-question" text=${t('handover.copy_sure')} button=${t('invite.renew')} busy=${busy} onYes=${copy} onNo=${cancel} no=${t('action.cancel')} />`}
      <${Problem} text=${problem} />
      ${link && html`
        <${LinkBox} id=${id} title=${t('handover.link_for', { who })} link=${link.url} expires=${link.expires} copied=${link.copied} replaced=${link.replaced} mail=${resetMail(member, link)}
          onDone=${hide}><p class="hint">${t('handover.hand_on', { who })}</p><//>`}
    </li>`;
}

export function Handover({ resets, onChanged }) {
  const open = resets.filter(({ state }) => state in LOOKS);
  if (!open.length) return null;
  const urgent = open.some(({ state }) => state === 'to_hand_over');
  const gone = () => { document.getElementById('members-title')?.focus(); onChanged(); };
  return html`
    <section class=${urgent ? 'card aside-warn' : 'card'} aria-labelledby="handover-title">
      <h2 id="handover-title">${t('handover.title')}</h2>
      <p class="hint">${t(open.every(({ asked_from: from }) => from) ? 'handover.lead' : 'handover.lead_link')}</p>
      <ul class="people-list">${open.map((one) => html`<${Reset} key=${one.id} reset=${one} onChanged=${onChanged} onGone=${gone} />`)}</ul>
    </section>`;
}
