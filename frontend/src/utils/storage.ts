/**
 * Reads and writes that never throw: storage can be full, or switched off by the browser's privacy settings,
 * and the page works without it.
 */
export function readStored(area: () => Storage, key: string): string | null {
    try {
        return area().getItem(key);
    } catch {
        return null;
    }
}

export function writeStored(area: () => Storage, key: string, value: string | null): void {
    try {
        if (value === null) area().removeItem(key);
        else area().setItem(key, value);
    } catch {
        // Kept in memory only.
    }
}

export const local = (): Storage => window.localStorage;
export const session = (): Storage => window.sessionStorage;

export const storageKeys = {
    theme: 'stellarchat.theme',
    language: 'stellarchat.language',
    draft: 'stellarchat.draft',
    conversation: 'stellarchat.conversation',
} as const;
