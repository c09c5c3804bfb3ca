import { apiURL } from '../utils/environment';
import { asObject, asString, parseJSON } from '../utils/json';
import { readStored, storageKeys } from '../utils/storage';

/** An answer that is not the wanted one. `status` is 0 when there was no answer at all. */
export class APIFailure extends Error {
    constructor(readonly status: number, readonly code: string | undefined, message: string) {
        super(message);
    }
}

export function storedKey(): string | undefined {
    return readStored(storageKeys.apiKey) || undefined;
}

export function authorization(): Record<string, string> {
    const key = storedKey();
    return key === undefined ? {} : { Authorization: `Bearer ${key}` };
}

interface Options {
    readonly method?: string;
    readonly body?: unknown;
    readonly timeout?: number;
}

/** Browsers let a page send 64 kB in all in requests that outlive it. */
const longestKeptAlive = 5_000;

/** Asks the API, and gives the JSON of a good answer. Short changes are done even when the page is left at once. @throws APIFailure */
export async function askAPI(path: string, { method = 'GET', body, timeout = 15_000 }: Options = {}): Promise<unknown> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const abort = new AbortController();
    const timer = window.setTimeout(() => abort.abort(), timeout);
    try {
        const response = await fetch(apiURL(path), {
            method,
            cache: 'no-store',
            keepalive: method !== 'GET' && (content?.length ?? 0) < longestKeptAlive,
            signal: abort.signal,
            headers: { ...authorization(), ...(content !== undefined && { 'Content-Type': 'application/json' }) },
            ...(content !== undefined && { body: content }),
        });
        const answer = parseJSON(await response.text());
        if (response.ok) return answer;
        throw failureOf(response.status, answer);
    } catch (error) {
        throw error instanceof APIFailure ? error : new APIFailure(0, undefined, 'The server can’t be reached.');
    } finally {
        window.clearTimeout(timer);
    }
}

export function failureOf(status: number, answer: unknown): APIFailure {
    const error = asObject(asObject(answer)?.error);
    return new APIFailure(status, asString(error?.code), asString(error?.message) ?? `HTTP ${status}`);
}
