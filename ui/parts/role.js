// The roles: as a badge, and as a choice that says what each of them may do.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';

const ROLES = ['member', 'org_admin'];
const LOOKS = { org_admin: ['info', 'key'], member: ['plain', 'user'] };

export const RoleBadge = ({ role }) => html`<span class=${`badge ${LOOKS[role][0]}`}><${Icon} name=${LOOKS[role][1]} />${t(`role.${role}`)}</span>`;

export const RoleField = ({ value, onValue }) => html`
  <fieldset class="picks roles">
    <legend>${t('people.role')}</legend>
    ${ROLES.map((role) => html`
      <label key=${role}><input type="radio" name="role" value=${role} checked=${role === value} onChange=${() => onValue(role)} />
        <span>${t(`role.${role}`)}<span class="hint">${t(`role.${role}.means`)}</span></span></label>`)}
  </fieldset>`;
