// What the authorisation server keeps, in memory: one store for all its faces, so that a token given out by one is known to all.

const CLIENT = 'Client';
const TOKENS = ['AccessToken', 'ClientCredentials', 'RefreshToken'];
const epochSeconds = () => Math.floor(Date.now() / 1000);

/** @typedef {{payload: object, ends: number}} Entry */

export class Store {
  /** @param clients {client id: metadata as of RFC 7591} */
  constructor(clients) {
    this.clients = clients;
    /** @type {Map<string, Map<string, Entry>>} by model */
    this.models = new Map();
  }

  of(model) {
    if (!this.models.has(model)) this.models.set(model, new Map());
    return this.models.get(model);
  }

  find(model, wanted) {
    for (const { payload, ends } of this.of(model).values()) {
      if (ends > Date.now() && wanted(payload)) return payload;
    }
    return undefined;
  }

  tokens() {
    return TOKENS.flatMap((model) => [...this.of(model).keys()]);
  }

  /** Every token of this client is worth nothing from now on; how many were. */
  revoke(clientId) {
    let count = 0;
    for (const model of TOKENS) {
      for (const [id, { payload }] of this.of(model)) {
        if (payload.clientId === clientId) count += this.of(model).delete(id);
      }
    }
    return count;
  }

  /** The class that oidc-provider wants: one object for each model. */
  adapter() {
    const store = this;
    return class Adapter {
      constructor(model) {
        this.model = model;
        this.entries = store.of(model);
      }

      async upsert(id, payload, seconds) {
        this.entries.set(id, { payload, ends: seconds ? Date.now() + seconds * 1000 : Infinity });
      }

      async find(id) {
        if (this.model === CLIENT) return store.clients[id];
        const entry = this.entries.get(id);
        return entry && entry.ends > Date.now() ? entry.payload : undefined;
      }

      findByUid(uid) {
        return store.find(this.model, (payload) => payload.uid === uid);
      }

      findByUserCode(userCode) {
        return store.find(this.model, (payload) => payload.userCode === userCode);
      }

      async consume(id) {
        this.entries.get(id).payload.consumed = epochSeconds();
      }

      async destroy(id) {
        this.entries.delete(id);
      }

      async revokeByGrantId(grantId) {
        for (const [id, { payload }] of this.entries) {
          if (payload.grantId === grantId) this.entries.delete(id);
        }
      }
    };
  }
}
