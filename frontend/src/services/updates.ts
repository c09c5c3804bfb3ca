/** Lets the page be opened while the server is away. Browsers allow service workers on https and localhost only. */
export function registerServiceWorker(): void {
    if (__DEVELOPMENT__ || !('serviceWorker' in navigator) || !window.isSecureContext) return;
    window.addEventListener('load', () => {
        navigator.serviceWorker.register('/service-worker.js').catch(() => undefined);
    });
}
