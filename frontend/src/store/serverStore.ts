import type { ServerState, ServerStatus } from '../types/server';
import { createStore } from './createStore';

export const serverStore = createStore<ServerStatus>({ state: 'connecting' });

/** Whether a message may be sent: not while the server is known to be unable to answer. */
export function canAsk(state: ServerState): boolean {
    return state === 'ready' || state === 'connecting';
}
