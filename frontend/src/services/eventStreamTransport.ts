import type { Failure, TokenUsage } from '../types/chat';
import { apiURL } from '../utils/environment';
import { asNumber, asObject, asString, first, parseObject } from './json';
import type { ChatTransport, ReplyHandlers, ReplyRequest, RunningReply } from './transport';

/** Replies over `POST /api/chat/completions` with `stream: true`, for networks that let no WebSocket through. */
export class EventStreamTransport implements ChatTransport {
    reply(request: ReplyRequest, handlers: ReplyHandlers): RunningReply {
        const abort = new AbortController();
        void run(request, handlers, abort.signal);
        return { cancel: () => abort.abort() };
    }
}

async function run(request: ReplyRequest, handlers: ReplyHandlers, signal: AbortSignal): Promise<void> {
    let started = false;
    try {
        const response = await fetch(apiURL('/api/chat/completions'), {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
            body: JSON.stringify({
                messages: request.messages,
                stream: true,
                stream_options: { include_usage: true },
            }),
            signal,
        });
        started = true;
        if (!response.ok || !response.body) {
            const failure = await refusal(response);
            if (!signal.aborted) handlers.onFailure(failure);
            return;
        }
        await follow(response.body, handlers, signal);
    } catch {
        if (!signal.aborted) handlers.onFailure({ kind: started ? 'interrupted' : 'unreachable' });
    }
}

async function refusal(response: Response): Promise<Failure> {
    const detail = asString(asObject(parseObject(await response.text())?.error)?.message);
    const kind = response.status === 503 || response.status === 429 ? 'busy' : 'refused';
    return detail === undefined ? { kind } : { kind, detail };
}

async function follow(body: ReadableStream<Uint8Array>, handlers: ReplyHandlers, signal: AbortSignal): Promise<void> {
    let finishReason: string | undefined;
    let usage: TokenUsage | undefined;
    for await (const data of eventData(body)) {
        if (signal.aborted) return;
        if (data === '[DONE]') {
            handlers.onFinish(finishReason, usage);
            return;
        }
        const chunk = parseObject(data);
        const error = asObject(chunk?.error);
        if (error) {
            const detail = asString(error.message);
            handlers.onFailure(detail === undefined ? { kind: 'refused' } : { kind: 'refused', detail });
            return;
        }
        const choice = asObject(first(chunk?.choices));
        const text = asString(asObject(choice?.delta)?.content);
        if (text) handlers.onText(text);
        finishReason = asString(choice?.finish_reason) ?? finishReason;
        usage = readUsage(chunk?.usage) ?? usage;
    }
    if (!signal.aborted) handlers.onFailure({ kind: 'interrupted' });
}

/** The `data` of each server-sent event; comments and other fields are skipped (WHATWG HTML, section 9.2). */
async function* eventData(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    try {
        for (;;) {
            const { done, value } = await reader.read();
            rest += decoder.decode(value, { stream: !done });
            const events = rest.split(/\r?\n\r?\n/);
            rest = events.pop() ?? '';
            for (const event of events) {
                const lines = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
                if (lines.length > 0) yield lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n');
            }
            if (done) return;
        }
    } finally {
        void reader.cancel().catch(() => undefined);
    }
}

function readUsage(value: unknown): TokenUsage | undefined {
    const object = asObject(value);
    const inputTokens = asNumber(object?.prompt_tokens);
    const outputTokens = asNumber(object?.completion_tokens);
    return inputTokens === undefined || outputTokens === undefined ? undefined : { inputTokens, outputTokens };
}
