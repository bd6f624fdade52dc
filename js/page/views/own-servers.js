// The form for servers of one's own, and the link to a test of them.
import { planRows } from '../../check/plan-rows.js';
import { button, element } from '../dom.js';
import { icon } from '../icons.js';
import { fieldOf, formOfPlan, lacksCredentials, planOfForm } from '../model/form-plan.js';
import { fragmentOf, readPlan, withoutSecrets } from '../model/plan-link.js';
import { copyText } from './share.js';

/** @typedef {import('../../network-test/plan.js').NetworkPlan} NetworkPlan */
/** @typedef {import('../model/form-plan.js').FormField} FormField */

/**
 * @typedef {object} FieldInfo
 * @property {FormField} name
 * @property {string} label
 * @property {string} [hint]
 * @property {string} [type] of the input; 'lines': a text of several lines
 */

/** @type {readonly FieldInfo[]} */
const MAIN = [
  {
    name: 'urls',
    label: 'STUN and TURN servers',
    hint: 'One a line, such as turn:turn.example.org:3478 or turns:turn.example.org:443?transport=tcp',
    type: 'lines',
  },
  { name: 'username', label: 'User name' },
  { name: 'credential', label: 'Password', type: 'password' },
  { name: 'gateway', label: 'WebSocket gateway', hint: 'Such as wss://example.org/turn/main' },
];
/** @type {readonly FieldInfo[]} */
const MORE = [
  { name: 'mirror', label: 'Mirror', hint: 'Tells what kind of NAT there is' },
  { name: 'signalling', label: 'Signalling', hint: 'The WebSocket of your application: wss:' },
  { name: 'https', label: 'Web server', hint: 'An https: address that pages may ask' },
  {
    name: 'name',
    label: 'Name of this test',
    hint: 'Stands in the report, such as “office, second floor”',
  },
];

/** @param {FieldInfo} info */
function fieldFor({ name, label, hint, type = 'text' }) {
  const id = `own-${name}`;
  const described = [hint === undefined ? '' : `${id}-hint`, `${id}-problem`].join(' ').trim();
  const common = {
    id,
    name,
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': described,
  };
  const input =
    type === 'lines'
      ? element('textarea', { ...common, rows: 3 })
      : element('input', { ...common, type, autocapitalize: 'none' });
  const problem = element('p', { class: 'problem', id: `${id}-problem` });
  const root = element(
    'div',
    { class: `field field-${name}` },
    element('label', { for: id }, label),
    hint === undefined ? undefined : element('p', { class: 'hint', id: `${id}-hint` }, hint),
    input,
    problem,
  );
  return { root, input, problem };
}

export class OwnServersView {
  #details;
  #form = element('form', { class: 'own', novalidate: true, autocomplete: 'off' });
  /** @type {Map<FormField, ReturnType<typeof fieldFor>>} */ #fields = new Map();
  #more = element('details', { class: 'more' }, element('summary', {}, 'More to test'));
  #quality = element('input', { type: 'checkbox', id: 'own-quality' });
  #secrets = element('input', { type: 'checkbox', id: 'own-secrets' });
  #problem = element('p', { class: 'problem', id: 'own-problem', role: 'alert' });
  #say;

  /**
   * @param {HTMLElement} root
   * @param {object} options
   * @param {(plan: NetworkPlan) => void} options.onTest
   * @param {(text: string) => void} options.say
   */
  constructor(root, { onTest, say }) {
    this.#say = say;
    this.#quality.checked = true;
    /** @param {FieldInfo} info */
    const make = (info) => {
      const field = fieldFor(info);
      this.#fields.set(info.name, field);
      return field.root;
    };
    this.#more.append(element('div', { class: 'fields' }, ...MORE.map(make)));
    const submit = element(
      'button',
      { type: 'submit', class: 'button primary' },
      'Test these servers',
    );
    this.#form.append(
      element('div', { class: 'fields' }, ...MAIN.map(make)),
      this.#more,
      element(
        'label',
        { class: 'check' },
        this.#quality,
        'Measure how well they pass, too (some seconds for each way)',
      ),
      this.#problem,
      element(
        'div',
        { class: 'row' },
        submit,
        button('Copy link to this test', () => void this.#copyLink(), '', icon('link')),
        element(
          'label',
          { class: 'check' },
          this.#secrets,
          'with user name and password, for everybody who sees the link',
        ),
      ),
      element(
        'p',
        { class: 'small dim' },
        'The link has all of it after its #, which browsers send to nobody. Nothing that you write here is stored.',
      ),
    );
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      const plan = this.#read();
      if (plan !== undefined) onTest(plan);
    });
    this.#details = element(
      'details',
      {},
      element('summary', {}, element('h2', {}, 'Test your own servers')),
      this.#form,
    );
    root.append(this.#details);
  }

  /** @param {NetworkPlan} plan of a link */
  fill(plan) {
    const { quality, ...texts } = formOfPlan(plan);
    for (const [name, text] of Object.entries(texts)) {
      const field = this.#fields.get(/** @type {FormField} */ (name));
      if (field !== undefined) field.input.value = text;
    }
    this.#quality.checked = quality;
    this.#more.open = MORE.some(({ name }) => texts[name] !== '');
    this.#details.open = true;
    if (lacksCredentials(plan)) {
      this.#mark('username', 'The link has no user name and password: the servers want them.');
    }
  }

  /** @param {FormField} name @param {string} words */
  #mark(name, words) {
    const field = this.#fields.get(name);
    if (field === undefined) return;
    field.problem.textContent = words;
    field.input.setAttribute('aria-invalid', 'true');
  }

  #clear() {
    this.#problem.textContent = '';
    for (const { input, problem } of this.#fields.values()) {
      problem.textContent = '';
      input.removeAttribute('aria-invalid');
    }
  }

  /**
   * Shows what is wrong where it was written.
   *
   * @param {unknown} error
   */
  refuse(error) {
    const { argument = '', message: said } = /** @type {Error & { argument?: string }} */ (error);
    // Who fills in a form knows no arguments.
    const message = said.replace(/^plan\.\S+ must be/, 'This must be').replace(/^plan\.\S+: /, '');
    this.#details.open = true;
    const name = fieldOf(argument || said);
    if (name === undefined) {
      this.#problem.textContent = message;
      return;
    }
    if (MORE.some((one) => one.name === name)) this.#more.open = true;
    this.#mark(name, message);
    this.#fields.get(name)?.input.focus();
  }

  /** @returns {NetworkPlan | undefined} undefined: what is wrong is shown */
  #read() {
    this.#clear();
    /** @param {FormField} name */
    const text = (name) => this.#fields.get(name)?.input.value ?? '';
    const plan = planOfForm({
      urls: text('urls'),
      username: text('username'),
      credential: text('credential'),
      gateway: text('gateway'),
      mirror: text('mirror'),
      signalling: text('signalling'),
      https: text('https'),
      name: text('name'),
      quality: this.#quality.checked,
    });
    const isEmpty = Object.keys(plan).every((name) => name === 'name' || name === 'quality');
    if (isEmpty) {
      this.#mark('urls', 'Write at least one server, or something of “More to test”.');
      this.#fields.get('urls')?.input.focus();
      return undefined;
    }
    try {
      const checked = readPlan(plan);
      const rows = planRows(checked.iceServers ?? [], undefined, 'plan.iceServers');
      const wrong = rows.find(({ error }) => error !== undefined)?.error;
      if (wrong !== undefined) throw wrong;
      return checked;
    } catch (error) {
      this.refuse(error);
      return undefined;
    }
  }

  async #copyLink() {
    const plan = this.#read();
    if (plan === undefined) return;
    const url = new URL(location.href);
    url.hash = fragmentOf(this.#secrets.checked ? plan : withoutSecrets(plan));
    const isDone = await copyText(url.href);
    const words = this.#secrets.checked
      ? 'The link was copied, with user name and password.'
      : 'The link was copied, without user name and password.';
    this.#say(isDone ? words : 'This browser lets nothing be copied.');
  }
}
