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
    /** The request shall outlive the page. */
    readonly keepalive?: boolean;
}

/** Asks the API, and gives the JSON of a good answer. @throws APIFailure */
export async function askAPI(path: string, { method = 'GET', body, timeout = 15_000, keepalive = false }: Options = {}): Promise<unknown> {
    const abort = new AbortController();
    const timer = window.setTimeout(() => abort.abort(), timeout);
    try {
        const response = await fetch(apiURL(path), {
            method,
            cache: 'no-store',
            keepalive,
            signal: abort.signal,
            headers: { ...authorization(), ...(body !== undefined && { 'Content-Type': 'application/json' }) },
            ...(body !== undefined && { body: JSON.stringify(body) }),
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
