/** Base URL of the daemon, fixed at build time by `VITE_API_URL`; empty means the page's own origin. */
declare const __API_URL__: string;
/** Address of KaTeX's style sheet in the built page; it is fetched with the first formula. */
declare const __MATH_STYLES__: string;
/** True in `npm run dev`, where no service worker keeps files. */
declare const __DEVELOPMENT__: boolean;
