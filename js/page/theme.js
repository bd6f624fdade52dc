// Dark or light: as the system is, until a person says otherwise.
import { element } from './dom.js';
import { icon } from './icons.js';

const KEY = 'postern.theme';
const THEMES = /** @type {const} */ (['system', 'light', 'dark']);
/** @typedef {(typeof THEMES)[number]} Theme */

/** @returns {Theme} */
function stored() {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === kept) ?? 'system';
  } catch {
    return 'system';
  }
}

/** @param {Theme} theme */
function store(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It lasts until the page is closed then.
  }
}

/**
 * @param {HTMLElement} control a button
 * @param {() => void} onChange colours are others now
 */
export function setUpTheme(control, onChange) {
  let theme = stored();
  const show = () => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    control.replaceChildren(
      icon(theme),
      element('span', { class: 'visually-hidden' }, 'Colours: '),
      element('span', {}, { system: 'As system', light: 'Light', dark: 'Dark' }[theme]),
    );
    onChange();
  };
  control.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    store(theme);
    show();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
  show();
}
