import type { Failure, TokenUsage, WireMessage } from '../types/chat';

/** One reply asked for. `messages` is the whole conversation and ends with the user's message; the server keeps nothing for us. */
export interface ReplyRequest {
    readonly id: string;
    readonly messages: readonly WireMessage[];
}

/** Told about one reply: any number of texts, then exactly one of finish and failure. Nothing is told after `cancel()`. */
export interface ReplyHandlers {
    onText(text: string): void;
    onFinish(finishReason: string | undefined, usage: TokenUsage | undefined): void;
    onFailure(failure: Failure): void;
}

export interface RunningReply {
    cancel(): void;
}

/** A way to get replies from the daemon: WebSocket, or server-sent events. */
export interface ChatTransport {
    reply(request: ReplyRequest, handlers: ReplyHandlers): RunningReply;
}
