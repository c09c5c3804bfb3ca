import { useCallback, useSyncExternalStore } from 'react';
import type { LiveReply } from '../types/chat';

// Replies that are being written, by the id of their message. Not part of the conversation's state: text that arrives makes only the
// views of its own reply render.

const replies = new Map<string, LiveReply>();
const listeners = new Map<string, Set<() => void>>();

export function liveReply(id: string): LiveReply | undefined {
    return replies.get(id);
}

export function setLiveReply(id: string, reply: LiveReply | undefined): void {
    if (reply) replies.set(id, reply);
    else replies.delete(id);
    for (const listener of [...listeners.get(id) ?? []]) listener();
}

export function useLiveReply(id: string): LiveReply | undefined {
    const subscribe = useCallback((listener: () => void) => {
        const set = listeners.get(id) ?? new Set();
        listeners.set(id, set.add(listener));
        return () => {
            set.delete(listener);
            if (set.size === 0) listeners.delete(id);
        };
    }, [id]);
    return useSyncExternalStore(subscribe, () => replies.get(id));
}
