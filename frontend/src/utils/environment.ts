/** Absolute or origin-relative address of an API path. */
export function apiURL(path: string): string {
    return __API_URL__.replace(/\/+$/, '') + path;
}

/** The same for a WebSocket: `http` becomes `ws`, `https` becomes `wss`. */
export function socketURL(path: string): string {
    const url = new URL(apiURL(path), window.location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return url.href;
}

/** Whether shortcuts use ⌘ instead of Ctrl. */
export const isApple = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);
