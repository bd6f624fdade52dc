// What both the options and the server of `postern serve` know.

/** Seconds after SIGTERM. Containers are killed after ten where nobody says otherwise. */
export const DRAIN_SECONDS = 5;

/** Where the page is. */
export const PAGE = '127.0.0.1:8080';
