// The SMTP form behind the settings page: what is typed, what the server has, what is wrong, and saving the draft while
// typing. No markup here. `changed` is called whenever something that is shown has changed.
import { api, ApiError, errorText } from './api.js';
import { portFor, securityOfPort, takeApart } from './destination.js';
import { domainOf, readable } from './domain.js';
import { t, textOr } from './i18n.js';
import { fieldOfToken, OAUTH_BINDING, OAUTH_GIVEN, OAUTH_OPEN, oauthFields, oauthNeeds } from './oauth.js';
import { app, loadSmtp, takeSmtp } from './store.js';

const SAVE_AFTER_MS = 900;
const SETTLE_MS = 250;
const QUOTA = ['per_minute', 'per_hour', 'per_day']; // together they are one setting
const NUMBERS = ['port', 'max_connections', ...QUOTA];
const TEXTS = ['host', 'username', 'from_email', 'from_name', 'ehlo_name'];
const PLAIN = [...TEXTS, 'security', ...NUMBERS, 'auth', ...OAUTH_OPEN]; // everything but what is secret
const ORDER = ['from_email', 'from_name', 'auth', 'username', 'password', 'provider', 'grant', 'token_url', 'authorize_url', 'device_url', 'scope',
  'client_id', 'tenant', ...OAUTH_GIVEN, 'client_secret_ends_at', 'subject', 'refresh_token', 'host', 'port', 'security', 'ehlo_name',
  'max_connections', ...QUOTA, 'probe_recipient']; // as they stand on the page
const OAUTH = [...OAUTH_OPEN, ...OAUTH_GIVEN, 'refresh_token'];
const LOGIN_WAY = ['auth', 'provider', 'grant'];
const ADDRESS = /^[^\s@]+@[^\s@]+$/;
const DESTINATION = ['host', 'port', 'security', 'username', 'from_email']; // what the stored password belongs to

const text = (value) => (value === null || value === undefined ? '' : String(value));

function settingOf(settings, name) {
  if (name === 'client_secret_ends_at') return text(settings?.oauth?.[name]).slice(0, 10); // a day
  if (OAUTH_OPEN.includes(name)) return text(settings?.oauth?.[name]);
  return readable(text(QUOTA.includes(name) ? settings?.quota[name] : settings?.[name]));
}

function formOf(settings) {
  const form = {};
  for (const name of PLAIN) form[name] = settingOf(settings, name);
  form.auth ||= 'auto';
  return form;
}

const NOTHING_GIVEN = Object.fromEntries(['password', 'probe_recipient', 'refresh_token', ...OAUTH_GIVEN].map((name) => [name, '']));

/** The encryption in force when none is chosen follows the port. */
export const securityOf = (form) => form.security || (form.port.trim() === '465' ? 'implicit' : 'starttls'); // the server's own rule;

const destinationOf = (form) => [form.host.trim().toLowerCase(), form.port.trim() || '587', securityOf(form),
  form.username.trim() || form.from_email.trim()].join('\n');

export class DraftForm {
  constructor(changed) {
    this.changed = changed;
    this.base = formOf(null); // as the server has it
    this.form = { ...this.base, ...NOTHING_GIVEN };
    this.faults = {};
    this.problem = '';
    this.saving = false;
    this.discarding = false; // from the wish to the last field that is taken back
    this.appliedAt = null; // limits need no verification: they are in force as soon as they are saved
    this.passwordDropped = false;
    this.passwordSaved = '';
    this.givenSaved = {}; // of OAuth2, as the server has got it last
    this.oauthHeld = {}; // what the server has of it: by name, { set, set_at }
    this.oauthDropped = []; // what it has no longer, because what it belonged to was changed
    this.oauthFaultOf = () => ''; // by the part that shows these fields
    this.editedSinceRun = false;
    this.proposed = {}; // what a preset or the look-up has put into the form
    this.inForce = null; // what is in force, as a form
    this.touched = new Set(); // what a person has typed since the form was opened
    this.isDense = false; // blanks in the password are there for the eye only: an app password
    this.sent = {}; // what is on its way to the server
    this.timer = 0;
    this.queue = Promise.resolve();
  }

  /** Takes over what the server has, field by field, except where something else is being typed. isAnswer: to what is on its way to it. */
  adopt(smtp, isAnswer = false) {
    const next = formOf(smtp.draft ?? smtp.active);
    for (const name of PLAIN) {
      const isTheirs = name in this.sent ? isAnswer && this.form[name] === this.sent[name] : this.form[name] === this.base[name];
      if (this.isImplied(name, next) ? !this.touched.has(name) : isTheirs) this.form[name] = next[name];
    }
    this.base = next;
    this.inForce = smtp.active && formOf(smtp.active);
    this.stored = (smtp.draft ?? smtp.active)?.password ?? { set: false, set_at: null };
    this.oauthHeld = (smtp.draft ?? smtp.active)?.oauth ?? {};
    this.oauthDropped = this.oauthDropped.filter((name) => !this.isHeld(name));
    this.changed();
  }

  edited() {
    return PLAIN.filter((name) => this.form[name] !== this.base[name] && !this.isImplied(name));
  }

  /** The sender address as user name says nothing new, and the service leaves it out. It stays in the form: once the sender is another, it says something. */
  isImplied(name, settings = this.base) {
    const { username, from_email: from } = this.form;
    return name === 'username' && settings.username === '' && from !== '' && from === settings.from_email && username.trim() === from;
  }

  isUnedited(name) {
    return this.form[name] === this.base[name];
  }

  isOauth() {
    return this.form.auth === 'oauth2';
  }

  /** True if the server has this secret of OAuth2; of a certificate it shows what it says. */
  isHeld(name) {
    const held = this.oauthHeld[name];
    return name === 'certificate' ? Boolean(held) : Boolean(held?.set);
  }

  /** Where the login goes on: the first secret that is missing, else the one that would be changed. */
  secretField() {
    if (!this.isOauth()) return 'password';
    const needs = oauthNeeds(this.form);
    return needs.find((name) => !this.form[name].trim() && !this.isHeld(name)) ?? fieldOfToken(this.form.grant);
  }

  /** What is typed and wrong, so that the server has not got it. */
  unsaved() {
    return this.edited().filter((name) => this.faults[name]);
  }

  /** What is wrong, as opposed to missing. */
  wrong() {
    return ORDER.filter((name) => this.faults[name] && this.form[name].trim());
  }

  /** Of what the server misses, what has not been typed meanwhile; and the password, when it does not fit any more. */
  missing(named) {
    const names = named.map((name) => name.replace('oauth/', ''));
    const password = !this.isOauth() && (this.needsPasswordAgain() || (names.includes('password') && !this.form.password));
    const others = names.filter((name) => name !== 'password' && !this.form[name]?.trim());
    return ORDER.filter((name) => (name === 'password' ? password : others.includes(name)));
  }

  /** True if the stored password still belongs to what is typed. What is wrong has not reached the server and changes nothing. */
  keepsPassword(form = this.form) {
    const sound = { ...form };
    for (const name of DESTINATION) {
      if (sound[name].trim() && (this.faults[name] || this.faultOf(name))) sound[name] = this.base[name];
    }
    return Boolean(this.stored?.set) && destinationOf(sound) === destinationOf(this.base);
  }

  needsPasswordAgain() {
    return !this.form.password && (this.passwordDropped || (Boolean(this.stored?.set) && !this.keepsPassword()));
  }

  set(name, value) {
    this.form[name] = value;
    this.touched.add(name);
    if (name === 'from_email') this.keepLogin();
    this.editedSinceRun = true;
    for (const one of LOGIN_WAY.includes(name) ? ['password', ...OAUTH] : [name]) delete this.faults[one]; // another way asks for other things
    if (name === 'password' && value) this.passwordDropped = false;
    this.changed();
    clearTimeout(this.timer);
    if (!(name in NOTHING_GIVEN)) this.timer = setTimeout(() => this.save(), SAVE_AFTER_MS);
  }

  setMany(values) {
    for (const [name, value] of Object.entries(values)) this.set(name, value);
    this.save();
  }

  /** Values somebody else knows; what they are stays on record, but for a password, so that the next proposal may take their place. */
  propose(values) {
    const { password, ...open } = values;
    this.proposed = { ...this.proposed, ...open };
    this.setMany(values);
    for (const name of Object.keys(values)) this.touched.delete(name);
  }

  /** True if a person wrote what stands there: it is no proposal, and not left from the settings in force. */
  isTyped(name) {
    const value = this.form[name].trim();
    return value !== '' && value !== this.proposed[name] && !this.isLeft(name);
  }

  /** True if it stands there because it is in force: nobody has put it there since. */
  isLeft(name) {
    const value = this.form[name].trim();
    return Boolean(this.inForce) && !this.touched.has(name) && value !== '' && value === this.inForce[name] && value !== this.proposed[name];
  }

  /** True if nobody has typed a server, and the one in force is for another domain: then what is found is filled in without asking. */
  takesProposals() {
    const isInForce = this.inForce && this.form.host.trim() === this.inForce.host && this.form.host.trim() !== '';
    return !this.isTyped('host') && !(isInForce && domainOf(this.form.from_email) === domainOf(this.inForce.from_email));
  }

  /** A server for another address is none for this one. It goes, and how one signs in there, but not what a person typed. */
  withdraw() {
    const gone = ['host', 'port', 'security', 'username', 'auth'].filter((name) => !this.isTyped(name));
    this.propose(Object.fromEntries(gone.map((name) => [name, name === 'auth' ? 'auto' : ''])));
  }

  /** The login in force was the address. Another sender of the same domain still signs in with it, and needs no other password. */
  keepLogin() {
    if (!this.inForce || this.inForce.username) return;
    const { from_email: login } = this.inForce;
    const isKept = this.form.username === login && this.proposed.username === login;
    if (this.form.from_email.trim() === login && isKept) this.form.username = '';
    else if (!this.form.username.trim() && this.keepsPassword({ ...this.form, username: login })) {
      this.form.username = login;
      this.proposed.username = login;
    }
  }

  /** Where a login goes with what stands in the form, for comparison. */
  destination() {
    return destinationOf(this.form);
  }

  /** Everything as it will be saved. */
  settle() {
    for (const name of ORDER) this.tidy(name);
    this.dropLogin();
  }

  /** Another domain has a login of its own. */
  dropLogin() {
    const login = this.inForce?.from_email;
    const isKept = login && this.form.username === login && this.proposed.username === login;
    if (isKept && domainOf(this.form.from_email) !== domainOf(login)) this.form.username = '';
  }

  /** The sender address once it is one, else ''. */
  address() {
    const value = this.form.from_email.trim();
    return ADDRESS.test(value) ? value : '';
  }

  /** The sender address that the server has, else ''. */
  savedAddress() {
    return ADDRESS.test(this.base.from_email) ? this.base.from_email : '';
  }

  /** True if nothing is known but who sends: the page then asks for the address and nothing else. */
  isBlank() {
    return ['host', 'username'].every((name) => !this.form[name].trim()) && !this.form.password && !this.stored?.set;
  }

  /** Port and encryption follow each other, both ways. */
  typePort(port) {
    this.set('port', port);
    const security = securityOfPort(port);
    if (security && security !== securityOf(this.form)) this.set('security', security);
  }

  chooseSecurity(security) {
    this.set('security', security);
    const port = portFor(security, this.form.port);
    if (port !== this.form.port) this.set('port', port);
    this.save();
  }

  /** Spaces around a value go; a pasted web address or `host:port` is taken apart, for all to see. */
  tidy(name) {
    if (name === 'password') return;
    const { host, port } = name === 'host' ? takeApart(this.form.host) : {};
    const value = host ?? this.form[name].trim();
    if (value !== this.form[name]) this.set(name, value);
    if (port && port !== this.form.port) this.typePort(port);
  }

  /**
   * Leaving a field says what is wrong with it, if something was typed, and saves. A moment later, because words that appear
   * between pressing and releasing the mouse would move the button away from under it.
   */
  leave(name) {
    setTimeout(() => {
      this.tidy(name);
      if (name === 'from_email') this.dropLogin();
      const fault = this.form[name].trim() ? this.faultOf(name) : '';
      if (fault) this.faults[name] = fault;
      this.changed();
      this.save();
    }, SETTLE_MS);
  }

  faultOf(name) {
    if (OAUTH.includes(name)) {
      return this.isOauth() && oauthFields(this.form).includes(name) ? this.oauthFaultOf(this, name, oauthNeeds(this.form).includes(name)) : '';
    }
    const value = this.form[name].trim();
    if (name === 'password') {
      if (this.isOauth()) return '';
      return this.form.password || this.keepsPassword() ? '' : t(this.needsPasswordAgain() ? 'fault.password_again' : 'fault.missing.password');
    }
    if (['host', 'from_email'].includes(name) && !value) return t(`fault.missing.${name}`);
    if (!value) return '';
    if (name === 'host' && !/^[^\s/:@]+$/.test(value)) return t('fault.invalid_host');
    if (['from_email', 'probe_recipient'].includes(name) && !ADDRESS.test(value)) return t('fault.invalid_address');
    if (name === 'port' && !(/^\d{1,5}$/.test(value) && Number(value) > 0 && Number(value) < 65536)) return t('fault.invalid_port');
    if (NUMBERS.includes(name) && !/^\d{1,9}$/.test(value)) return t('fault.out_of_range');
    return '';
  }

  /** Fills `faults` for the whole form; the name of the first faulty field, or undefined. */
  check() {
    this.faults = {};
    for (const name of ORDER) {
      const fault = this.faultOf(name);
      if (fault) this.faults[name] = fault;
    }
    this.changed();
    return this.firstFault();
  }

  /** Checks one field, for a step that needs no other; true if it is sound. */
  checkOne(name) {
    this.tidy(name);
    const fault = this.faultOf(name);
    if (fault) this.faults[name] = fault;
    this.changed();
    return !fault;
  }

  firstFault() {
    return ORDER.find((name) => this.faults[name]);
  }

  patch(names) {
    const body = {};
    const valueOf = (name) => {
      const value = this.form[name].trim();
      return value === '' ? null : NUMBERS.includes(name) ? Number(value) : value;
    };
    for (const name of names.filter((one) => ![...QUOTA, ...OAUTH_OPEN].includes(one))) body[name] = valueOf(name);
    if (names.some((name) => QUOTA.includes(name))) {
      const sound = QUOTA.map((name) => [name, this.faultOf(name) ? text(this.base[name]) : this.form[name].trim()]);
      body.quota = Object.fromEntries(sound.filter(([, value]) => value).map(([name, value]) => [name, Number(value)]));
    }
    const oauth = Object.fromEntries(names.filter((name) => OAUTH_OPEN.includes(name)).map((name) => [name, valueOf(name)]));
    if (oauth.client_secret_ends_at) oauth.client_secret_ends_at += 'T00:00:00Z';
    // A typed password goes along once its destination is known, and again whenever that changes.
    const { host, from_email: from, username } = this.form;
    const password = this.isDense ? this.form.password.replace(/\s/g, '') : this.form.password;
    const moves = names.some((name) => DESTINATION.includes(name));
    const isSure = host.trim() && (from.trim() || username.trim());
    if (password && isSure && (password !== this.passwordSaved || moves)) body.password = password;
    const rebinds = moves || names.some((name) => OAUTH_BINDING.includes(name));
    for (const name of OAUTH_GIVEN.filter((one) => isSure && this.isOauth() && oauthFields(this.form).includes(one))) {
      const given = this.form[name].trim();
      if (given && !this.faultOf(name) && (rebinds || given !== this.givenSaved[name])) oauth[name] = given;
    }
    if (Object.keys(oauth).length) body.oauth = oauth;
    return body;
  }

  /** Saves what is typed and sound; one request at a time. Resolves to false if the server refused something. */
  save({ start = false } = {}) {
    clearTimeout(this.timer);
    this.queue = this.queue.then(() => this.saveNow(start, true));
    return this.queue;
  }

  async saveNow(start, mayRetry) {
    const names = this.edited().filter((name) => this.form[name].trim() === '' || !(this.faults[name] || this.faultOf(name)));
    const body = this.patch(names);
    if (!Object.keys(body).length && !(start && !app().smtp.draft)) {
      this.saving = false;
      this.changed();
      return true;
    }
    this.sent = Object.fromEntries(names.map((name) => [name, this.form[name]]));
    this.saving = true;
    this.changed();
    try {
      const answer = await api.saveDraft(body, app().smtp.revision);
      if (body.password) this.passwordSaved = body.password;
      for (const name of OAUTH_GIVEN) if (body.oauth?.[name]) this.givenSaved[name] = body.oauth[name];
      this.oauthDropped = [...new Set([...this.oauthDropped, ...(answer.oauth_dropped ?? [])])];
      this.passwordDropped = (this.passwordDropped || Boolean(answer.password_dropped)) && !answer.draft?.password.set;
      this.problem = '';
      this.saving = false;
      this.appliedAt = answer.draft || !names.length ? null : new Date().toISOString();
      this.adopt(answer, true);
      this.sent = {};
      takeSmtp(answer);
      return true;
    } catch (error) {
      this.sent = {};
      if (mayRetry && error instanceof ApiError && [409, 412].includes(error.status)) {
        await loadSmtp().catch(() => {}); // changed elsewhere: what is typed here is put on top of it
        this.adopt(app().smtp);
        return this.saveNow(start, false);
      }
      this.saving = false;
      if (this.takeError(error) && mayRetry) await this.saveNow(start, false); // the rest need not wait for it
      return false;
    }
  }

  /** The server can be reached again: what did not get through is tried once more. */
  recover() {
    if (!this.problem) return;
    this.problem = '';
    this.changed();
    this.save();
  }

  /** True if it was about fields of this form. */
  takeError(error) {
    const known = (error.errors || []).filter(({ pointer }) => ORDER.includes(pointer?.split('/').at(-1)));
    for (const { pointer, code, detail } of known) {
      const name = pointer.split('/').at(-1);
      const special = name === 'port' && this.form.port.trim() === '25' ? 'fault.port_25' : `fault.${code}`;
      this.faults[name] = textOr(special, detail);
    }
    if (error.code === 'password_required') this.faults.password = t('fault.password_again');
    else if (error.code === 'same_password_refused') this.faults.password = errorText(error);
    else if (!known.length) this.problem = errorText(error);
    this.changed();
    return known.length > 0;
  }

  /** Saves, then starts a verification of exactly this; its id, or null with `faults` or `problem` set. */
  async verify() {
    await this.queue; // what was discarded before is not to be tested
    this.problem = '';
    this.settle();
    if (this.check()) return null;
    if (!(await this.save({ start: true }))) return null;
    const probe = this.form.probe_recipient.trim();
    try {
      const { id } = await api.verify(probe ? { activate: true, probe_recipient: probe } : { activate: true });
      this.editedSinceRun = false;
      return id;
    } catch (error) {
      if ([409, 412].includes(error.status)) await loadSmtp();
      this.takeError(error);
      return null;
    }
  }

  /** After a success the password need not stay on the page. */
  forgetPassword() {
    this.startOver();
    Object.assign(this.form, NOTHING_GIVEN, { probe_recipient: this.form.probe_recipient });
    this.forgetWhatWasSent();
    this.changed();
  }

  /**
   * Takes back what was typed up to now. In turn with the saves: one that is under way would bring the draft back. What is
   * typed until the answer is there stays, for its event may come first, and then the page looks finished.
   */
  discard() {
    clearTimeout(this.timer);
    const before = { ...this.form };
    this.discarding = true;
    this.changed();
    this.queue = this.queue.then(() => this.discardNow(before)).finally(() => {
      this.discarding = false;
      this.changed();
    });
    return this.queue;
  }

  async discardNow(before) {
    try {
      if (app().smtp.draft) takeSmtp(await api.dropDraft(app().smtp.revision)); // or nothing was ever saved
    } catch (error) {
      this.takeError(error);
      return;
    }
    const later = ORDER.filter((one) => this.form[one] !== before[one]);
    for (const name of ORDER.filter((one) => !later.includes(one))) {
      this.form[name] = this.base[name] ?? ''; // not edited: what is in force takes its place
      delete this.faults[name];
    }
    this.problem = '';
    this.forgetWhatWasSent();
    this.editedSinceRun = false;
    this.startOver();
    later.forEach((name) => this.touched.add(name));
    this.adopt(app().smtp);
  }

  /** Who wrote what stands in the form is settled: what is typed from now on is typed, even if somebody proposed the same before. */
  startOver() {
    this.touched.clear();
    this.proposed = {};
  }

  forgetWhatWasSent() {
    this.passwordSaved = '';
    this.passwordDropped = false;
    this.givenSaved = {};
    this.oauthDropped = [];
  }
}
