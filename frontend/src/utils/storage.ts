/**
 * Reads and writes that never throw: storage can be full, or switched off by the browser's privacy settings,
 * and the page works without it.
 */
export function readStored(key: string): string | null {
    try {
        return window.localStorage.getItem(key);
    } catch {
        return null;
    }
}

export function writeStored(key: string, value: string | null): void {
    try {
        if (value === null) window.localStorage.removeItem(key);
        else window.localStorage.setItem(key, value);
    } catch {
        // Kept in memory only.
    }
}

export const storageKeys = {
    theme: 'stellarchat.theme',
    language: 'stellarchat.language',
    fontSize: 'stellarchat.fontSize',
    apiKey: 'stellarchat.apiKey',
    streaming: 'stellarchat.streaming',
    generation: 'stellarchat.generation',
    sidebar: 'stellarchat.sidebar',
    /** Followed by a conversation's id, or `new`. */
    draft: 'stellarchat.draft.',
} as const;
