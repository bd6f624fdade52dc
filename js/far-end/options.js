// Checks of what createMirror() and createReflector() both take.

import { familyOf } from '../address.js';
import { requireObject } from '../codec/arguments.js';
import { argumentError } from '../errors.js';
import { checkOrigin } from '../gateway/origins.js';
import { checkInteger } from '../option-checks.js';

const MOST = 0x7fffffff;

/** @param {unknown} value @param {number} most of each family @param {string} name */
export function checkAddresses(value, most, name) {
  if (!Array.isArray(value) || value.length === 0) {
    throw argumentError(name, "a list of this machine's IP addresses");
  }
  for (const [i, address] of value.entries()) {
    const family = typeof address === 'string' ? familyOf(address) : undefined;
    // At all addresses at once, a socket cannot choose from which it sends.
    if (family === undefined || /^[0:.]+$/.test(address)) {
      throw argumentError(`${name}[${i}]`, 'an IP address of this machine');
    }
    const before = value.slice(0, i);
    if (before.includes(address)) throw argumentError(`${name}[${i}]`, 'named once');
    if (before.filter((one) => familyOf(one) === family).length === most) {
      throw argumentError(`${name}[${i}]`, `left out: there is room for ${most} of ${family}`);
    }
  }
}

/** @param {Record<string, string>} external @param {readonly string[]} addresses @param {string} name */
export function checkExternal(external, addresses, name) {
  for (const [inside, outside] of Object.entries(requireObject(external, name))) {
    if (addresses.includes(inside) && familyOf(outside) === familyOf(inside)) continue;
    throw argumentError(
      `${name}['${inside}']`,
      'an IP address of the same family, for an address of `addresses`',
    );
  }
}

/** @param {unknown} value @param {string} name @returns {Set<string>} */
export function checkOrigins(value, name) {
  if (Array.isArray(value) && value.length > 0) {
    return new Set(value.map((origin, i) => checkOrigin(origin, `${name}[${i}]`)));
  }
  throw argumentError(name, "a list of the pages' origins, such as ['https://app.example.org']");
}

/**
 * @template {object} Limits
 * @param {Partial<Limits>} given
 * @param {Limits} defaults
 * @param {string} name
 * @param {readonly string[]} [zeroAllowed] names of limits that may be 0
 * @returns {Limits}
 */
export function checkLimits(given, defaults, name, zeroAllowed = []) {
  for (const [key, value] of Object.entries(requireObject(given, name))) {
    // A limit that is spelt wrong would be none.
    if (!Object.hasOwn(defaults, key)) {
      throw argumentError(`${name}.${key}`, 'left out: there is no such limit');
    }
    checkInteger(value, `${name}.${key}`, zeroAllowed.includes(key) ? 0 : 1, MOST);
  }
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(chosen) };
}
