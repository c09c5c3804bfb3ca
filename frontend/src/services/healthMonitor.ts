import type { ServerState } from '../types/server';
import { apiURL } from '../utils/environment';
import { asObject, asString, first, parseObject } from './json';

const requestTimeout = 5_000;
const pauses: Record<ServerState, number> = { connecting: 1_000, loading: 1_000, unreachable: 1_000, ready: 15_000 };
const longestPause = 10_000;

export interface Health {
    readonly state: ServerState;
    readonly model?: string;
}

/** Asks `/api/health` again and again: often while the server loads or is away, seldom while all is well. */
export class HealthMonitor {
    private timer: number | undefined;
    private failures = 0;
    private asking = false;

    constructor(private readonly report: (health: Health) => void) {}

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
        const health = await askHealth();
        this.asking = false;
        this.failures = health.state === 'unreachable' ? this.failures + 1 : 0;
        this.report(health);
        const pause = Math.min(longestPause, pauses[health.state] * 1.5 ** Math.max(0, this.failures - 1));
        this.timer = window.setTimeout(() => void this.check(), document.hidden ? longestPause : pause);
    }
}

async function askHealth(): Promise<Health> {
    try {
        const response = await request('/api/health');
        const body = parseObject(await response.text());
        const word = asString(body?.status) ?? '';
        if (response.ok && !/loading|starting/.test(word)) return await withModel('ready');
        if (response.status === 503 || response.ok) return { state: 'loading' };
        return { state: 'unreachable' };
    } catch {
        return { state: 'unreachable' };
    }
}

async function withModel(state: ServerState): Promise<Health> {
    try {
        const response = await request('/api/models');
        const model = asString(asObject(first(parseObject(await response.text())?.data))?.id);
        return model === undefined ? { state } : { state, model };
    } catch {
        return { state };
    }
}

async function request(path: string): Promise<Response> {
    const abort = new AbortController();
    const timer = window.setTimeout(() => abort.abort(), requestTimeout);
    try {
        return await fetch(apiURL(path), { cache: 'no-store', signal: abort.signal });
    } finally {
        window.clearTimeout(timer);
    }
}
