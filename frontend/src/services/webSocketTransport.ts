import type { Failure } from '../types/chat';
import { socketURL } from '../utils/environment';
import { storedKey } from './api';
import { parseSocketEvent, type SocketEvent } from './socketEvents';
import { requestBody, type ChatTransport, type ReplyHandlers, type ReplyRequest, type RunningReply } from './transport';

const shortestDelay = 500;
const longestDelay = 15_000;
const pingInterval = 25_000;
const pongTimeout = 20_000;
/** How long a cancelled reply may take to end. */
const cancelTimeout = 10_000;
/** Failed connections in a row after which callers should use another transport for now. */
const failuresUntilUnavailable = 2;

interface Pending {
    readonly id: string;
    readonly handlers: ReplyHandlers;
    finish?: Extract<SocketEvent, { kind: 'delta' }>;
    cancelTimer?: number;
}

/**
 * One WebSocket to `/api/ws/chat`, opened again with growing pauses when it is lost, and checked with pings while open.
 * A reply that runs when the connection is lost fails as `interrupted`; it is for the reader to ask again.
 */
export class WebSocketTransport implements ChatTransport {
    private socket: WebSocket | undefined;
    private pending: Pending | undefined;
    private failures = 0;
    private retryTimer: number | undefined;
    private pingTimer: number | undefined;
    private pongTimer: number | undefined;
    private waiters = new Set<() => void>();

    /** `onLost` is called whenever an open connection closes. */
    constructor(private readonly onLost: () => void) {}

    get isOpen(): boolean {
        return this.socket?.readyState === WebSocket.OPEN;
    }

    /** A reply is being written; the connection has room for one at a time. */
    get isBusy(): boolean {
        return this.pending !== undefined;
    }

    /** Opens the connection unless it is open or opening. */
    connect(): void {
        if (this.socket) return;
        window.clearTimeout(this.retryTimer);
        const socket = new WebSocket(socketURL(`/api/ws/chat${keyQuery()}`));
        this.socket = socket;
        let opened = false;
        socket.onopen = () => {
            opened = true;
            this.failures = 0;
            this.schedulePing();
            this.wake();
        };
        socket.onmessage = (message) => {
            if (typeof message.data === 'string') this.receive(message.data);
        };
        socket.onclose = () => {
            if (this.socket === socket) this.lost(opened);
        };
    }

    /** Gives up reconnecting until `connect()` is called again, as while the server is known to be away. */
    rest(): void {
        window.clearTimeout(this.retryTimer);
    }

    /** Closes the connection and opens it again, as for a changed API key. */
    reopen(): void {
        this.failures = 0;
        if (this.socket) this.abandon();
        else this.connect();
    }

    /** Resolves to true once open, to false when the connection can't be had or the time is over. */
    async whenOpen(milliseconds: number): Promise<boolean> {
        this.connect();
        await this.waitUntil(() => this.isOpen || this.failures >= failuresUntilUnavailable, milliseconds);
        return this.isOpen;
    }

    /** Resolves when no reply runs that was cancelled, or when the time is over. */
    whenSettled(milliseconds: number): Promise<void> {
        return this.waitUntil(() => this.pending?.cancelTimer === undefined, milliseconds);
    }

    reply(request: ReplyRequest, handlers: ReplyHandlers): RunningReply {
        const pending: Pending = { id: request.id, handlers };
        this.pending = pending;
        const { id, record } = request;
        this.send({ type: 'chat.message', id, progress: true, ...requestBody(request), ...(record && recordFields(record)) });
        return {
            cancel: () => {
                if (this.pending !== pending || pending.cancelTimer !== undefined) return;
                pending.cancelTimer = window.setTimeout(() => this.settle()?.handlers.onFinish(undefined, undefined, undefined),
                    cancelTimeout);
                this.send({ type: 'chat.cancel', id });
            },
        };
    }

    private send(message: object): void {
        if (this.isOpen) this.socket?.send(JSON.stringify(message));
        else this.fail();
    }

    private receive(frame: string): void {
        this.schedulePing();
        const event = parseSocketEvent(frame);
        const pending = this.pending;
        if (!event || event.kind === 'pong' || !pending) return;
        // The end of a reply that took too long to be cancelled may come when the next one has been asked for.
        if (event.id !== undefined && event.id !== pending.id) return;
        switch (event.kind) {
            case 'progress':
                pending.handlers.onProgress(event.progress);
                break;
            case 'text':
                pending.handlers.onText(event.text);
                break;
            case 'delta':
                pending.finish = event;
                break;
            case 'stop':
                this.settle();
                pending.handlers.onFinish(pending.finish?.finishReason, pending.finish?.usage, pending.finish?.timings);
                break;
            case 'error':
                this.settle();
                pending.handlers.onFailure({ kind: failureKind(event.type, event.code), detail: event.message });
                break;
        }
    }

    private lost(opened: boolean): void {
        this.socket = undefined;
        this.failures = opened ? 0 : this.failures + 1;
        window.clearTimeout(this.pingTimer);
        window.clearTimeout(this.pongTimer);
        const delay = Math.min(longestDelay, shortestDelay * 2 ** this.failures) * (0.75 + Math.random() / 2);
        this.retryTimer = window.setTimeout(() => this.connect(), delay);
        this.wake();
        this.fail();
        if (opened) this.onLost();
    }

    private fail(): void {
        this.settle()?.handlers.onFailure({ kind: 'interrupted' });
    }

    /** No reply runs any more; gives the one that did. */
    private settle(): Pending | undefined {
        const pending = this.pending;
        this.pending = undefined;
        window.clearTimeout(pending?.cancelTimer);
        this.wake();
        return pending;
    }

    /** Any frame proves that the connection lives; after a silence we ask, and close it when no answer comes. */
    private schedulePing(): void {
        window.clearTimeout(this.pingTimer);
        window.clearTimeout(this.pongTimer);
        this.pingTimer = window.setTimeout(() => {
            this.send({ type: 'ping' });
            this.pongTimer = window.setTimeout(() => this.abandon(), pongTimeout);
        }, pingInterval);
    }

    /** A dead peer never completes the closing handshake, so its `onclose` is not waited for. */
    private abandon(): void {
        const socket = this.socket;
        if (!socket) return;
        socket.onmessage = null;
        socket.onclose = null;
        socket.close();
        this.lost(true);
    }

    /** Looks at each change of the connection or its reply. */
    private async waitUntil(condition: () => boolean, milliseconds: number): Promise<void> {
        const deadline = performance.now() + milliseconds;
        while (!condition()) {
            const left = deadline - performance.now();
            if (left <= 0) return;
            await this.nextChange(left);
        }
    }

    private nextChange(milliseconds: number): Promise<void> {
        return new Promise((resolve) => {
            const done = (): void => {
                window.clearTimeout(timer);
                this.waiters.delete(done);
                resolve();
            };
            const timer = window.setTimeout(done, milliseconds);
            this.waiters.add(done);
        });
    }

    private wake(): void {
        for (const waiter of [...this.waiters]) waiter();
    }
}

/** Codes of what the HTTP routes answer with 429 or 503: it may go well a moment later. */
const busyCodes: readonly string[] = [
    'model_loading', 'queue_full', 'engine_stopped', 'server_stopping', 'shutting_down', 'out_of_memory', 'rate_limit_exceeded',
];

function failureKind(type: string | undefined, code: string | undefined): Failure['kind'] {
    if (code !== undefined && busyCodes.includes(code)) return 'busy';
    return type === 'authentication_error' || code === 'invalid_api_key' ? 'unauthorized' : 'refused';
}

/** A browser can't send headers with a WebSocket. */
function keyQuery(): string {
    const key = storedKey();
    return key === undefined ? '' : `?api_key=${encodeURIComponent(key)}`;
}

function recordFields(record: NonNullable<ReplyRequest['record']>): Readonly<Record<string, unknown>> {
    const { sessionId, parentId, userMessageId, messageId } = record;
    return { session_id: sessionId, parent_id: parentId, user_message_id: userMessageId, message_id: messageId };
}
