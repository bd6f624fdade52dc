// Reads what C++ headers say of mailboxes, for the tests that hold js/*/layout.js against them.
import { readFileSync } from 'node:fs';

/** A file of the project without its comments. @param {string} path from the project's directory */
export const source = (path) =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').replace(/\/\/.*$/gm, '');

/** @param {string} text @param {string} name of a constexpr constant, which may be a product */
export function constant(text, name) {
  const value = new RegExp(`${name} = ([^;]+);`).exec(text)?.[1];
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value.split('*').reduce((product, factor) => product * Number(factor), 1);
}

/** How many words a field of each type has; an array of them has as many times that. @type {Record<string, number>} */
const WORDS = { uint32_t: 1, double: 2, OutputAddress: 2, OutputHead: 3, NatFindingWords: 4 };
/** @type {Record<string, () => number>} */
const COUNTS = {
  kMaxUnknown: () => constant(source('src/client/event.h'), 'kCapacity'),
  kNatFindings: () => constant(source('bindings/nat_mailbox.h'), 'kNatFindings'),
};

/** @param {string} type */
function wordsOf(type) {
  const [, element = type, count = '1'] = /^std::array<(\w+), (\w+)>$/.exec(type) ?? [];
  if (!(element in WORDS)) throw new Error(`how long is a ${type}?`);
  return WORDS[element] * (COUNTS[count]?.() ?? Number(count));
}

/** @param {string} name in snake case */
export const camelCase = (name) =>
  name.replace(/_(\w)/g, (_, character) => character.toUpperCase());

/** @param {string} name in camel case */
export const kebabCase = (name) =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/^-/, '');

/**
 * The fields of a struct with their places in words, and its size.
 *
 * @param {string} text
 * @param {string} name
 */
export function struct(text, name) {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\};`).exec(text)?.[1];
  if (body === undefined) throw new Error(`there is no struct ${name}`);
  /** @type {Record<string, number>} */
  const places = {};
  let size = 0;
  for (const [, type, field] of body.matchAll(/([\w:]+(?:<[^>]*>)?) (\w+);/g)) {
    places[camelCase(field)] = size;
    size += wordsOf(type);
  }
  if (body.match(/;/g)?.length !== Object.keys(places).length) {
    throw new Error(`struct ${name} has something in it that this reader does not see`);
  }
  return { places, size };
}

/** The enumerators, in lower camel case, with their values. @param {string} text @param {string} name */
export function enumeration(text, name) {
  const body = new RegExp(`enum class ${name} : \\w+ \\{([^}]*)\\}`).exec(text)?.[1];
  if (body === undefined) throw new Error(`there is no enum ${name}`);
  const names = body.split(',').map((one) => one.trim());
  return Object.fromEntries(names.map((one, i) => [one[0].toLowerCase() + one.slice(1), i]));
}

/** The names of a struct of counters. @param {string} text @param {string} name */
export function counters(text, name) {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\};`).exec(text)?.[1] ?? '';
  return [...body.matchAll(/uint64_t (\w+) = 0;/g)].map(([, field]) => camelCase(field));
}
