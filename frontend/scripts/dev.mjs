// `npm run dev`: serves the page on port 5173, builds it again when a source changes, and reloads open pages.
// The API is that of the daemon at STELLAR_DAEMON (default http://localhost:8080).
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeSite } from './build.mjs';
import { serve } from './serve.mjs';
import { root } from './toolchain.mjs';

const folder = join(root, '.cache', 'dev');
const pages = new Set();
const reloadScript = "new EventSource('/dev/changes').onmessage = () => location.reload();";

function amendPage(page) {
    return page.replace('</head>', '    <script src="/dev/reload.js"></script>\n    </head>');
}

async function rebuild() {
    const start = Date.now();
    try {
        await writeSite(folder, { development: true, amendPage });
        console.log(`Built in ${Date.now() - start} ms.`);
        for (const page of pages) page.write('data: changed\n\n');
    } catch (error) {
        console.error(error.errors ? 'The bundle failed; waiting for changes.' : error.message);
    }
}

/** The latest change below the sources; asking twice a second works on every system and file system. */
function latestChange(path = root) {
    const names = path === root ? ['src', 'public', 'index.html'] : readdirSync(path);
    return Math.max(0, ...names.map((name) => {
        const child = join(path, name);
        const status = statSync(child, { throwIfNoEntry: false });
        return status?.isDirectory() ? Math.max(status.mtimeMs, latestChange(child)) : status?.mtimeMs ?? 0;
    }));
}

async function watch() {
    let seen = latestChange();
    for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        const now = latestChange();
        if (now !== seen) await rebuild();
        seen = now;
    }
}

function handle(request, response) {
    if (request.url === '/dev/reload.js') {
        response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(reloadScript);
        return true;
    }
    if (request.url !== '/dev/changes') return false;
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }).write('retry: 500\n\n');
    pages.add(response);
    response.on('close', () => pages.delete(response));
    return true;
}

mkdirSync(join(root, '.cache'), { recursive: true });
await rebuild();
serve({ folder, port: Number(process.env.PORT ?? 5173), daemon: process.env.STELLAR_DAEMON ?? 'http://localhost:8080', handle });
await watch();
