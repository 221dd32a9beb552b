// What the pages about people ask of the server; loaded with the first of them.
import { json } from './api.js';

export const people = {
  members: (query) => json('GET', `/v1/members?${new URLSearchParams(query)}`),
  changeMember: (id, body) => json('PATCH', `/v1/members/${id}`, { body }),
  removeMember: (id) => json('DELETE', `/v1/members/${id}`),
  tokens: async () => (await json('GET', '/v1/tokens')).data,
  resetLink: (id) => json('POST', `/v1/members/${id}/reset-link`),

  invitations: (query) => json('GET', `/v1/invitations?${new URLSearchParams(query)}`),
  invite: (body) => json('POST', '/v1/invitations', { body }),
  resendInvitation: (id) => json('POST', `/v1/invitations/${id}/resend`),
  invitationLink: (id) => json('POST', `/v1/invitations/${id}/link`),
  revokeInvitation: (id) => json('POST', `/v1/invitations/${id}/revoke`),
  acceptInvitation: (body) => json('POST', '/v1/invitations/accept', { body }),

  resets: async () => (await json('GET', '/v1/password-resets?state=open')).data,
  askedResetLink: (id) => json('POST', `/v1/password-resets/${id}/link`),
  dismissReset: (id) => json('POST', `/v1/password-resets/${id}/dismiss`),
  askReset: (email) => json('POST', '/v1/password-resets', { body: { email } }),
  lookUpReset: (token) => json('POST', '/v1/password-resets/lookup', { body: { token } }),
  redeemReset: (body) => json('POST', '/v1/password-resets/redeem', { body }),

  account: () => json('GET', '/v1/account'),
  changeAccount: (body) => json('PATCH', '/v1/account', { body }),
  changePassword: (body) => json('POST', '/v1/account/password', { body }),
  sessions: async () => (await json('GET', '/v1/account/sessions')).data,
  endSession: (id) => json('DELETE', `/v1/account/sessions/${id}`),
  endOtherSessions: () => json('DELETE', '/v1/account/sessions'),
};
