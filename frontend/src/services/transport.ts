import type { Failure, ReplyProgress, Timings, TokenUsage, WireMessage } from '../types/chat';
import type { GenerationSettings } from '../types/conversation';
import { generationObject } from '../utils/preferences';

/** Where the server shall store the user's message and the reply. */
export interface ReplyRecord {
    readonly sessionId: string;
    readonly parentId: string | null;
    readonly userMessageId: string;
    readonly messageId: string;
}

/** One reply asked for. `messages` is the whole conversation; it ends with the user's message, or with a reply to be continued. */
export interface ReplyRequest {
    readonly id: string;
    readonly messages: readonly WireMessage[];
    readonly model?: string | undefined;
    readonly settings: GenerationSettings;
    /** False: the reply is to come in one piece. */
    readonly stream: boolean;
    readonly record?: ReplyRecord | undefined;
}

/** Told about one reply, also one that was cancelled: progress and any number of texts, then exactly one of finish and failure. */
export interface ReplyHandlers {
    onProgress(progress: ReplyProgress): void;
    onText(text: string): void;
    onFinish(finishReason: string | undefined, usage: TokenUsage | undefined, timings: Timings | undefined): void;
    onFailure(failure: Failure): void;
}

export interface RunningReply {
    /** Asks for the reply's end. Over a WebSocket, text that the server has written by then still comes before it. */
    cancel(): void;
}

/** A way to get replies from the daemon: WebSocket, or server-sent events. */
export interface ChatTransport {
    reply(request: ReplyRequest, handlers: ReplyHandlers): RunningReply;
}

/** The part of a request that both transports send in the same words. */
export function requestBody({ messages, model, settings }: ReplyRequest): Record<string, unknown> {
    const { max_tokens, ...sampling } = generationObject(settings);
    return { messages, ...(model !== undefined && { model }), ...sampling,
        ...(max_tokens !== 0 && max_tokens !== undefined && { max_tokens }) };
}
