import { fetchModels, startClient, usesWebSocket } from '../services/chatClient';
import type { ServerKnowledge, ServerState } from '../types/server';
import { createStore } from './createStore';

export const serverStore = createStore<ServerKnowledge>({ state: 'connecting', models: [], needsKey: false });

/** Whether a message may be sent: not while the server is known to be unable to answer. */
export function canAsk(state: ServerState): boolean {
    return state === 'ready' || state === 'connecting';
}

/** Tokens that prompt and reply may have together; undefined while unknown. */
export function contextLengthOf({ models, model }: ServerKnowledge, chosen: string | null): number | undefined {
    const name = chosen ?? model;
    return (models.find(({ id }) => id === name) ?? models[0])?.contextLength;
}

const retryPause = 5_000;

/** Does something again that failed although the server says that it is well; of one that is away, `watchServer` tells the return. */
export function againWhileReady(action: () => void): void {
    const { state, needsKey } = serverStore.get();
    if (state === 'ready' && !needsKey) window.setTimeout(action, retryPause);
}

/** Watches the server; `onReady` is called each time it has become able to answer. */
export function watchServer(onReady: () => void): void {
    startClient((status) => {
        const before = serverStore.get().state;
        serverStore.set({ ...status, transport: usesWebSocket() ? 'websocket' : 'events' });
        if (status.state !== 'ready' || (before === 'ready' && serverStore.get().models.length > 0)) return;
        void fetchModels().then((models) => serverStore.set({ models })).catch(() => undefined);
        if (before !== 'ready') onReady();
    });
}
