// What the pages of an organisation ask of the server; loaded with the first of them, and with it their texts.
import { json } from './api.js';
import { needTexts } from './i18n.js';

await needTexts('admin');

const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== undefined && value !== ''));

export const admin = {
  organisation: () => json('GET', '/v1/organisation'),
  changeOrganisation: (body) => json('PATCH', '/v1/organisation', { body }),

  keys: () => json('GET', '/v1/keys'),

  tokens: async () => (await json('GET', '/v1/tokens')).data,
  createToken: (body) => json('POST', '/v1/tokens', { body }),
  changeToken: (id, body) => json('PATCH', `/v1/tokens/${id}`, { body }),
  revokeToken: (id) => json('DELETE', `/v1/tokens/${id}`),

  webhooks: async () => (await json('GET', '/v1/webhooks')).data,
  webhook: (id) => json('GET', `/v1/webhooks/${id}`),
  createWebhook: (body) => json('POST', '/v1/webhooks', { body }),
  changeWebhook: (id, body) => json('PATCH', `/v1/webhooks/${id}`, { body }),
  removeWebhook: (id) => json('DELETE', `/v1/webhooks/${id}`),
  renewWebhookSecret: (id) => json('POST', `/v1/webhooks/${id}/secret`),
  testWebhook: (id) => json('POST', `/v1/webhooks/${id}/test`),
  deliveries: (id, values) => json('GET', `/v1/webhooks/${id}/deliveries?${query(values)}`),
  replay: (id, eventId) => json('POST', `/v1/webhooks/${id}/replay`, { body: { event_id: eventId } }),

  auditEvents: (values) => json('GET', `/v1/audit-events?${query(values)}`),
  checkAudit: (head) => json('GET', `/v1/audit-events/check?${query({ head })}`),

  templates: async (locale) => (await json('GET', `/v1/templates?${query({ locale })}`)).data,
  saveTemplate: (body) => json('POST', '/v1/templates', { body }),
  removeTemplate: (id) => json('DELETE', `/v1/templates/${id}`),
  previewTemplate: (body) => json('POST', '/v1/templates/preview', { body }),
};
