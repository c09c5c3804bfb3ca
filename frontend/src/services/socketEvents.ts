import type { TokenUsage } from '../types/chat';
import { asNumber, asObject, asString, parseObject } from './json';

/** The server's WebSocket events that the page acts on; all others are ignored. */
export type SocketEvent = { readonly id: string | undefined } & (
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'delta'; readonly finishReason: string | undefined; readonly usage: TokenUsage | undefined }
    | { readonly kind: 'stop' }
    | { readonly kind: 'error'; readonly code: string | undefined; readonly message: string | undefined }
    | { readonly kind: 'pong' }
);

export function parseSocketEvent(frame: string): SocketEvent | undefined {
    const event = parseObject(frame);
    if (!event) return undefined;
    const data = asObject(event.data);
    const id = asString(event.id) ?? asString(data?.id);
    const delta = asObject(data?.delta);
    switch (event.event) {
        case 'content_block_delta':
            return { kind: 'text', id, text: asString(delta?.text) ?? '' };
        case 'message_delta':
            return { kind: 'delta', id, finishReason: asString(delta?.finish_reason), usage: usage(data?.usage) };
        case 'message_stop':
            return { kind: 'stop', id };
        case 'error':
            return { kind: 'error', id, code: asString(data?.code), message: asString(data?.message) };
        case 'pong':
            return { kind: 'pong', id };
        default:
            return undefined;
    }
}

function usage(value: unknown): TokenUsage | undefined {
    const object = asObject(value);
    const inputTokens = asNumber(object?.input_tokens);
    const outputTokens = asNumber(object?.output_tokens);
    return inputTokens === undefined || outputTokens === undefined ? undefined : { inputTokens, outputTokens };
}
