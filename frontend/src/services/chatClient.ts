import { serverStore } from '../store/serverStore';
import { EventStreamTransport } from './eventStreamTransport';
import { HealthMonitor } from './healthMonitor';
import type { ReplyHandlers, ReplyRequest, RunningReply } from './transport';
import { WebSocketTransport } from './webSocketTransport';

/** How long a message waits for a connection that is being opened before the other transport is tried. */
const connectionPatience = 4_000;

const monitor = new HealthMonitor((status) => {
    serverStore.replace(status);
    if (status.state === 'ready') socket.connect();
    else socket.rest();
});
const socket = new WebSocketTransport(() => monitor.checkNow());
const eventStream = new EventStreamTransport();

/** Starts watching the server; called once when the page starts. */
export function startClient(): void {
    monitor.start();
}

/** Asks for a reply over the WebSocket, or over server-sent events when no WebSocket can be had. */
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
    void socket.whenOpen(connectionPatience).then((open) => {
        if (!cancelled) running = (open ? socket : eventStream).reply(request, observed);
    });
    return {
        cancel() {
            cancelled = true;
            running?.cancel();
        },
    };
}
