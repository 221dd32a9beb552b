// Who has an account: name, role, last sign-in; and what an administrator can do for each of them.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { readable } from '../domain.js';
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { people } from '../people-api.js';
import { announce } from '../store.js';
import { useAsking, useDeed } from './deed.js';
import { Field } from './field.js';
import { useForm } from './form.js';
import { resetMail, useLink } from './handed-link.js';
import { Icon } from './icon.js';
import { LinkBox } from './link-box.js';
import { Notice, Problem } from './notice.js';
import { Question } from './question.js';
import { RoleBadge, RoleField } from './role.js';

const nameOf = (member) => member.name || readable(member.email);

function Change({ member, onChanged, onClose }) {
  const { values, set, field, submit, problem, busy, ref } = useForm({ name: member.name, role: member.role });
  const demoted = member.role === 'org_admin' && values.role !== member.role;
  const tokens = useTokensOf(member, demoted);
  useLayoutEffect(() => { document.getElementById('name')?.focus(); }, []);
  const save = submit(({ name }) => ({ name: name.trim() ? '' : t('fault.missing.the_name') }), async ({ name, role }) => {
    await people.changeMember(member.id, { ...(name.trim() !== member.name && { name: name.trim() }), ...(role !== member.role && { role }) });
    announce(t('people.changed', { who: name.trim() }));
    onChanged();
  });
  return html`
    <form ref=${ref} onSubmit=${save} novalidate aria-label=${t('people.manage_what', { who: nameOf(member) })}>
      <${Field} ...${field('name', 'account.name')} required autocomplete="off" />
      <${RoleField} value=${values.role} onValue=${set('role')} />
      ${values.role !== member.role && html`<${Notice} tone="info">${t('people.role_ends_sessions', { who: nameOf(member) })}
        ${demoted && html` ${t('people.role_ends_links', { who: nameOf(member) })}`}${tokens > 0 && html` ${t('people.tokens_stay', { who: nameOf(member), n: tokens })}`}<//>`}
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      <div class="buttons">
        <button type="submit" class="primary" aria-disabled=${busy ? 'true' : undefined}>${t('people.save')}</button>
        <button type="button" onClick=${onClose}>${t('action.cancel')}</button>
      </div>
    </form>`;
}

/** How many API tokens a member made: their secrets outlast the account. */
function useTokensOf(member, wanted) {
  const [n, setN] = useState(0);
  useEffect(() => {
    if (wanted) people.tokens().then((all) => setN(all.filter((one) => one.created_by === member.email).length), () => {});
  }, [member.email, wanted]);
  return n;
}

function Manage({ member, onChanged, onGone, onClose }) {
  const { busy, problem, run } = useDeed();
  const { link, take, hide } = useLink();
  const { asking, row, ask, settle, cancel } = useAsking();
  const who = nameOf(member);
  const tokens = useTokensOf(member, asking === 'remove');
  const invites = member.role === 'org_admin';
  const sure = [t('people.remove_sure', { who }), invites && t('people.remove_links', { who }), t('people.remove_rest'), tokens > 0 && t('people.tokens_stay', { who, n: tokens })].filter(Boolean).join(' ');
  const makeLink = async () => {
    const answer = await run(() => people.resetLink(member.id));
    if (!answer) {
      cancel();
      return;
    }
    settle();
    await take(answer, Boolean(link)); // of any other the question has spoken
  };
  const remove = async () => {
    if (!await run(async () => { await people.removeMember(member.id); return true; })) {
      cancel();
      return;
    }
    announce(t('people.removed', { who }));
    onGone();
  };
  return html`
    <div class="manage" id=${`panel-${member.id}`}>
      <${Change} member=${member} onChanged=${onChanged} onClose=${onClose} />
      <div class="manage-more" ref=${row}>
        ${!asking && html`
          <div class="buttons">
            <button type="button" class="small" data-ask="link" onClick=${() => ask('link')}><${Icon} name="key" />${t('people.reset_link')}</button>
            <button type="button" class="small danger" data-ask="remove" onClick=${() => ask('remove')}>${t('people.remove')}</button>
          </div>`}
        ${asking === 'link' && html`
          <${Question} id="member-question" text=${t('people.reset_sure', { who })} button=${t('people.reset_link')} busy=${busy} onYes=${makeLink} onNo=${cancel} no=${t('action.cancel')} />`}
        ${asking === 'remove' && html`
          <${Question} id="member-question" text=${sure} button=${t('people.remove')} danger busy=${busy} onYes=${remove} onNo=${cancel} no=${t('action.cancel')} />`}
        <${Problem} text=${problem} />
        ${link && html`
          <${LinkBox} id=${member.id} title=${t('handover.link_for', { who })} link=${link.url} expires=${link.expires} copied=${link.copied} replaced=${link.replaced} mail=${resetMail(member, link)}
            onDone=${hide}><p class="hint">${t('handover.hand_on', { who })}</p><//>`}
      </div>
    </div>`;
}

/** open: whether what can be done for this one is unfolded. */
function Member({ member, open, onOpen, onChanged, onGone }) {
  const button = `manage-${member.id}`;
  const close = () => { document.getElementById(button)?.focus(); onOpen(''); };
  return html`
    <li data-member=${member.id} data-role=${member.role}>
      <div class="person">
        <p><strong>${nameOf(member)}</strong> <${RoleBadge} role=${member.role} />${member.is_you && html` <span class="tag">${t('people.you')}</span>`}</p>
        <p class="hint">${readable(member.email)} · ${member.signed_in_at ? t('people.signed_in', { time: moment(member.signed_in_at) }) : t('people.never_signed_in')}</p>
      </div>
      ${member.is_you ? html`<a class="button small" href="#/account">${t('account.title')}</a>` : html`
        <button type="button" class="small" id=${button} aria-expanded=${open ? 'true' : 'false'} aria-controls=${open ? `panel-${member.id}` : undefined}
          aria-label=${t('people.manage_what', { who: nameOf(member) })} onClick=${() => onOpen(open ? '' : member.id)}>${t('people.manage')}</button>`}
      ${open && html`<${Manage} member=${member} onChanged=${() => { close(); onChanged(); }} onGone=${onGone} onClose=${close} />`}
    </li>`;
}

/** open: the id of the member that is unfolded, or ''. */
export function Members({ members, open, onOpen, onChanged }) {
  const gone = () => { onOpen(''); document.getElementById('members-title')?.focus(); onChanged(); };
  return html`
    <section class="card" aria-labelledby="members-title">
      <h2 id="members-title" tabindex="-1">${t('people.members')}</h2>
      <ul class="people-list">${members.map((one) => html`
        <${Member} key=${one.id} member=${one} open=${open === one.id} onOpen=${onOpen} onChanged=${onChanged} onGone=${gone} />`)}</ul>
      ${members.length === 1 && members[0].is_you && html`<p class="hint">${t('people.alone')}</p>`}
    </section>`;
}
