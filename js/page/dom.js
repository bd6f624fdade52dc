// Making elements: texts are texts, and attributes are set by name, so that nothing of others becomes HTML.

/** @typedef {string | number | boolean | undefined} Attribute undefined and false: it is not there */
/** @typedef {Node | string | undefined} Child undefined: there is none */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @template {Element} E
 * @param {E} made
 * @param {Record<string, Attribute>} attributes
 * @param {readonly Child[]} children
 * @returns {E}
 */
function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, Attribute>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export const element = (name, attributes = {}, ...children) =>
  fill(document.createElement(name), attributes, children);

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, Attribute>} [attributes]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export const drawn = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

/**
 * @param {string} id of an element that index.html has
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found;
}

/**
 * @param {string} text
 * @param {() => void} onClick
 * @param {string} [look] more classes
 * @param {Child} [icon]
 */
export function button(text, onClick, look = '', icon = undefined) {
  const made = element(
    'button',
    { type: 'button', class: `button ${look}`.trim() },
    icon,
    element('span', {}, text),
  );
  made.addEventListener('click', onClick);
  return made;
}
