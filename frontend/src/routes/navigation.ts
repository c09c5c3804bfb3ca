import { isIdentifier } from '../utils/identifier';

// Places in the page and their addresses: `/` is a new conversation, `/c/ID` one that exists.

export interface Place {
    readonly conversationId?: string | undefined;
}

export function readPlace(path: string): Place {
    const match = /^\/c\/([^/]+)\/?$/.exec(path);
    return match?.[1] !== undefined && isIdentifier(match[1]) ? { conversationId: match[1] } : {};
}

const listeners = new Set<(place: Place) => void>();

export function navigate(path: string, { replace = false } = {}): void {
    if (path !== window.location.pathname) window.history[replace ? 'replaceState' : 'pushState'](null, '', path);
    arrive();
}

/** Calls `listener` now and whenever another place is gone to. */
export function onNavigation(listener: (place: Place) => void): void {
    if (listeners.size === 0) window.addEventListener('popstate', arrive);
    listeners.add(listener);
    listener(readPlace(window.location.pathname));
}

function arrive(): void {
    const place = readPlace(window.location.pathname);
    for (const listener of [...listeners]) listener(place);
}
