import type { ReplyProgress, Timings, TokenUsage } from '../types/chat';
import { asNumber, asObject, asString, parseObject, type JSONObject } from '../utils/json';
import { readTimings, readUsage } from './wire';

/** The server's WebSocket events that the page acts on; all others are ignored. */
export type SocketEvent = { readonly id: string | undefined } & (
    | { readonly kind: 'progress'; readonly progress: ReplyProgress }
    | { readonly kind: 'text'; readonly text: string }
    | {
        readonly kind: 'delta';
        readonly finishReason: string | undefined;
        readonly usage: TokenUsage | undefined;
        readonly timings: Timings | undefined;
    }
    | { readonly kind: 'stop' }
    | { readonly kind: 'error'; readonly type: string | undefined; readonly code: string | undefined; readonly message: string | undefined }
    | { readonly kind: 'pong' }
);

export function parseSocketEvent(frame: string): SocketEvent | undefined {
    const event = parseObject(frame);
    if (!event) return undefined;
    const data = asObject(event.data);
    const id = asString(event.id) ?? asString(data?.id);
    const delta = asObject(data?.delta);
    switch (event.event) {
        case 'progress':
            return { kind: 'progress', id, progress: readProgress(data) };
        case 'content_block_delta':
            return { kind: 'text', id, text: asString(delta?.text) ?? '' };
        case 'message_delta':
            return {
                kind: 'delta', id,
                finishReason: asString(delta?.finish_reason),
                usage: readUsage(data?.usage),
                timings: readTimings(data?.timings),
            };
        case 'message_stop':
            return { kind: 'stop', id };
        case 'error':
            return { kind: 'error', id, type: asString(data?.type), code: asString(data?.code), message: asString(data?.message) };
        case 'pong':
            return { kind: 'pong', id };
        default:
            return undefined;
    }
}

function readProgress(data: JSONObject | undefined): ReplyProgress {
    return {
        queuePosition: asNumber(data?.queue_position),
        promptTokens: asNumber(data?.prompt_tokens),
        processedTokens: asNumber(data?.processed_tokens),
    };
}
