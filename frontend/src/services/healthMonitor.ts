import type { ServerState, ServerStatus } from '../types/server';
import { apiURL } from '../utils/environment';
import { asNumber, asObject, asString, parseObject, type JSONObject } from '../utils/json';
import { authorization } from './api';

const requestTimeout = 5_000;
const pauses: Record<ServerState, number> = { connecting: 1_000, loading: 500, failed: 5_000, unreachable: 1_000, ready: 10_000 };
const longestPause = 10_000;

/** Asks `/api/health` again and again: often while the server loads or is away, seldom while all is well. */
export class HealthMonitor {
    private timer: number | undefined;
    private failures = 0;
    private asking = false;

    constructor(private readonly report: (status: ServerStatus) => void) {}

    start(): void {
        window.addEventListener('online', () => this.checkNow());
        window.addEventListener('offline', () => this.checkNow());
        document.addEventListener('visibilitychange', () => {
            if (document.visibilityState === 'visible') this.checkNow();
        });
        this.checkNow();
    }

    checkNow(): void {
        window.clearTimeout(this.timer);
        void this.check();
    }

    private async check(): Promise<void> {
        if (this.asking) return;
        this.asking = true;
        const status = await askHealth();
        this.asking = false;
        this.failures = status.state === 'unreachable' ? this.failures + 1 : 0;
        this.report(status);
        const pause = Math.min(longestPause, pauses[status.state] * 1.5 ** Math.max(0, this.failures - 1));
        this.timer = window.setTimeout(() => void this.check(), document.hidden ? longestPause : pause);
    }
}

async function askHealth(): Promise<ServerStatus> {
    try {
        const response = await request('/api/health');
        return readHealth(parseObject(await response.text()));
    } catch {
        return { state: 'unreachable' };
    }
}

function readHealth(body: JSONObject | undefined): ServerStatus {
    const queue = asObject(body?.queue);
    const running = asNumber(queue?.running);
    const waiting = asNumber(queue?.waiting);
    return {
        state: stateOf(body?.status),
        model: asString(body?.model),
        detail: asString(body?.message),
        version: asString(body?.version),
        uptimeSeconds: asNumber(body?.uptime_seconds) ?? asNumber(body?.uptime),
        queue: running === undefined || waiting === undefined
            ? undefined : { running, waiting, capacity: asNumber(queue?.capacity) ?? asNumber(queue?.max) },
    };
}

/** Anything that is not the daemon's own answer, as a proxy's error page, means that the daemon is away. */
function stateOf(word: unknown): ServerState {
    switch (word) {
        case 'ok': return 'ready';
        case 'loading': return 'loading';
        case 'error': return 'failed';
        default: return 'unreachable';
    }
}

async function request(path: string): Promise<Response> {
    const abort = new AbortController();
    const timer = window.setTimeout(() => abort.abort(), requestTimeout);
    try {
        return await fetch(apiURL(path), { cache: 'no-store', signal: abort.signal, headers: authorization() });
    } finally {
        window.clearTimeout(timer);
    }
}
