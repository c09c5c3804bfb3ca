// A small web server for work on the page: files of one folder, and everything of the API handed on to a daemon, WebSocket included.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { extname, join, normalize } from 'node:path';

const apiPath = /^\/(api|v1|metrics)(\/|\?|$)/;
const types = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.svg': 'image/svg+xml',
    '.png': 'image/png',
    '.woff2': 'font/woff2',
    '.webmanifest': 'application/manifest+json',
};
// The same rules as the daemon's, so that what they forbid is noticed here; a daemon elsewhere may be asked where the page is built for it.
const elsewhere = process.env.VITE_API_URL ? ` ${new URL(process.env.VITE_API_URL).origin}` : '';
const policy = [
    "default-src 'self'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", `connect-src 'self' ws: wss:${elsewhere}`,
    "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'",
].join('; ');

export function serve({ folder, port, daemon, handle = () => false }) {
    const server = createServer((request, response) => {
        if (handle(request, response)) return;
        if (apiPath.test(request.url)) forward(request, response, daemon);
        else sendFile(folder, request, response);
    });
    server.on('upgrade', (request, socket, head) => forwardUpgrade(request, socket, head, daemon));
    server.on('error', (error) => {
        console.error(`Port ${port}: ${error.message}`);
        process.exit(1);
    });
    server.listen(port, 'localhost', () => console.log(`http://localhost:${port}  (API: ${daemon})`));
}

function sendFile(folder, request, response) {
    const path = normalize(decodeURIComponent(request.url.split('?')[0]));
    let file = join(folder, path);
    if (!file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) file = join(folder, 'index.html');
    response.writeHead(200, {
        'Content-Type': types[extname(file)] ?? 'application/octet-stream',
        'Content-Security-Policy': policy,
        'Cache-Control': 'no-store',
    });
    createReadStream(file).on('error', () => response.destroy()).pipe(response);
}

function upstream(request, daemon) {
    const { hostname, port } = new URL(daemon);
    // The daemon accepts its own origin only.
    const headers = { ...request.headers, host: new URL(daemon).host, ...(request.headers.origin && { origin: new URL(daemon).origin }) };
    return httpRequest({ hostname, port: port || 80, path: request.url, method: request.method, headers });
}

function forward(request, response, daemon) {
    const onward = upstream(request, daemon);
    onward.on('response', (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
    });
    onward.on('error', () => {
        if (!response.headersSent) response.writeHead(502, { 'Content-Type': 'text/plain' });
        response.end('No daemon.');
    });
    response.on('close', () => onward.destroy());
    request.pipe(onward);
}

function forwardUpgrade(request, socket, head, daemon) {
    const onward = upstream(request, daemon);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    onward.on('response', (answer) => {
        socket.end(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
        answer.resume();
    });
    onward.on('upgrade', (answer, peer, rest) => {
        const headers = answer.rawHeaders.reduce((text, value, index) => text + value + (index % 2 ? '\r\n' : ': '), '');
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`);
        socket.write(rest);
        peer.write(head);
        peer.on('error', () => socket.destroy());
        socket.on('close', () => peer.destroy());
        peer.pipe(socket).pipe(peer);
    });
    onward.end();
}
