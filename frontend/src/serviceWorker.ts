/// <reference lib="webworker" />
// Keeps the page's own files, so that past conversations can be read while the server is away. Answers of the API are never kept.
// The list of files and its version are put in by the build.

export {};

declare const __SHELL__: readonly string[];
declare const __SHELL_VERSION__: string;

const worker = self as unknown as ServiceWorkerGlobalScope;
const prefix = 'stellarchat-';
const current = prefix + __SHELL_VERSION__;
const page = '/index.html';

worker.addEventListener('install', (event) => {
    event.waitUntil(caches.open(current).then((cache) => cache.addAll(__SHELL__.map((path) => new Request(path, { cache: 'no-cache' })))));
});

// This worker takes over when no page of the older version is open any more, so nobody needs the older files.
worker.addEventListener('activate', (event) => {
    event.waitUntil(caches.keys().then((names) =>
        Promise.all(names.filter((name) => name.startsWith(prefix) && name !== current).map((name) => caches.delete(name)))));
});

worker.addEventListener('fetch', (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== 'GET' || url.origin !== worker.location.origin) return;
    if (url.pathname.startsWith('/assets/')) event.respondWith(assetFor(request));
    else if (request.mode === 'navigate' && !/^\/(?:api|v1|metrics)(?:\/|$)/.test(url.pathname)) event.respondWith(pageFor(request));
    else if (__SHELL__.includes(url.pathname)) event.respondWith(fetch(request).catch(() => kept(url.pathname)));
});

/** Names under /assets/ change with their content: what is kept is right. */
async function assetFor(request: Request): Promise<Response> {
    return await caches.match(request) ?? fetch(request);
}

/** The newest page where the server answers, else the one that was kept. */
async function pageFor(request: Request): Promise<Response> {
    try {
        const response = await fetch(request);
        return response.status >= 500 ? await kept(page) : response;
    } catch {
        return kept(page);
    }
}

async function kept(path: string): Promise<Response> {
    return await caches.match(path) ?? Response.error();
}
