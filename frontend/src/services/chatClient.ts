import type { ModelDescription, ServerStatus } from '../types/server';
import { asArray, asNumber, asObject, asString } from '../utils/json';
import { askAPI } from './api';
import { EventStreamTransport } from './eventStreamTransport';
import { HealthMonitor } from './healthMonitor';
import type { ReplyHandlers, ReplyRequest, RunningReply } from './transport';
import { WebSocketTransport } from './webSocketTransport';

/** How long a message waits for a connection that is being opened before the other transport is tried. */
const connectionPatience = 4_000;

let report: (status: ServerStatus) => void = () => undefined;

const monitor = new HealthMonitor((status) => {
    report(status);
    if (status.state === 'ready') socket.connect();
    else socket.rest();
});
const socket = new WebSocketTransport(() => monitor.checkNow());
const eventStream = new EventStreamTransport();

/** Starts watching the server; called once when the page starts. */
export function startClient(onStatus: (status: ServerStatus) => void): void {
    report = onStatus;
    monitor.start();
}

/** Connects anew, as with a changed API key. */
export function reconnect(): void {
    socket.reopen();
    monitor.checkNow();
}

export function usesWebSocket(): boolean {
    return socket.isOpen;
}

/** Asks for a reply over the WebSocket; over server-sent events when no WebSocket can be had or it is taken by another reply. */
export function requestReply(request: ReplyRequest, handlers: ReplyHandlers): RunningReply {
    let running: RunningReply | undefined;
    let cancelled = false;
    const observed: ReplyHandlers = {
        ...handlers,
        onFailure(failure) {
            monitor.checkNow();
            handlers.onFailure(failure);
        },
    };
    void canUseSocket(request).then((usable) => {
        if (!cancelled) running = (usable && !socket.isBusy ? socket : eventStream).reply(request, observed);
    });
    return {
        cancel() {
            cancelled = true;
            if (running) running.cancel();
            else handlers.onFinish(undefined, undefined, undefined);
        },
    };
}

async function canUseSocket({ stream }: ReplyRequest): Promise<boolean> {
    if (!stream) return false;
    await socket.whenSettled(connectionPatience);
    return !socket.isBusy && await socket.whenOpen(connectionPatience);
}

export async function fetchModels(): Promise<readonly ModelDescription[]> {
    const answer = asObject(await askAPI('/api/models'));
    return asArray(answer?.data).flatMap((entry) => {
        const object = asObject(entry);
        const id = asString(object?.id);
        const contextLength = asNumber(object?.context_length) ?? asNumber(object?.max_model_len);
        return id === undefined ? [] : [{ id, contextLength }];
    });
}
