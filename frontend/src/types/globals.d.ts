/** Base URL of the daemon, fixed at build time by `VITE_API_URL`; empty means the page's own origin. */
declare const __API_URL__: string;
