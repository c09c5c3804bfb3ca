import type { Failure, Timings, TokenUsage } from '../types/chat';
import { apiURL } from '../utils/environment';
import { asObject, asString, first, parseObject } from '../utils/json';
import { authorization, failureOf } from './api';
import { requestBody, type ChatTransport, type ReplyHandlers, type ReplyRequest, type RunningReply } from './transport';
import { readTimings, readUsage } from './wire';

/** Replies over `POST /api/chat/completions`: for networks that let no WebSocket through, for a second reply beside the one of the
 * WebSocket, and for replies in one piece. */
export class EventStreamTransport implements ChatTransport {
    reply(request: ReplyRequest, handlers: ReplyHandlers): RunningReply {
        const abort = new AbortController();
        void run(request, handlers, abort.signal);
        return {
            cancel: () => {
                abort.abort();
                handlers.onFinish(undefined, undefined, undefined);
            },
        };
    }
}

async function run(request: ReplyRequest, handlers: ReplyHandlers, signal: AbortSignal): Promise<void> {
    let started = false;
    const { stream } = request;
    try {
        const response = await fetch(apiURL(`/api/chat/completions${recordQuery(request)}`), {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', Accept: stream ? 'text/event-stream' : 'application/json', ...authorization() },
            body: JSON.stringify({ ...requestBody(request), stream, ...(stream && { stream_options: { include_usage: true } }) }),
            signal,
        });
        started = true;
        if (!response.ok || !response.body) {
            const failure = await refusal(response);
            if (!signal.aborted) handlers.onFailure(failure);
            return;
        }
        if (stream) await follow(response.body, handlers, signal);
        else takeWhole(await response.text(), handlers, signal);
    } catch {
        if (!signal.aborted) handlers.onFailure({ kind: started ? 'interrupted' : 'unreachable' });
    }
}

function recordQuery({ record }: ReplyRequest): string {
    if (!record) return '';
    const { sessionId, parentId, userMessageId, messageId } = record;
    const query = new URLSearchParams({ session_id: sessionId, user_message_id: userMessageId, message_id: messageId });
    // Present but empty: the message is a root.
    query.set('parent_id', parentId ?? '');
    return `?${query.toString()}`;
}

async function refusal(response: Response): Promise<Failure> {
    const { message } = failureOf(response.status, parseObject(await response.text()));
    return { kind: kindOf(response.status), detail: message };
}

function kindOf(status: number): Failure['kind'] {
    if (status === 401 || status === 403) return 'unauthorized';
    return status === 503 || status === 429 ? 'busy' : 'refused';
}

function takeWhole(text: string, handlers: ReplyHandlers, signal: AbortSignal): void {
    if (signal.aborted) return;
    const answer = parseObject(text);
    const choice = asObject(first(answer?.choices));
    const content = asString(asObject(choice?.message)?.content);
    if (content) handlers.onText(content);
    handlers.onFinish(asString(choice?.finish_reason), readUsage(answer?.usage), readTimings(answer?.timings));
}

async function follow(body: ReadableStream<Uint8Array>, handlers: ReplyHandlers, signal: AbortSignal): Promise<void> {
    let finishReason: string | undefined;
    let usage: TokenUsage | undefined;
    let timings: Timings | undefined;
    for await (const data of eventData(body)) {
        if (signal.aborted) return;
        if (data === '[DONE]') {
            handlers.onFinish(finishReason, usage, timings);
            return;
        }
        const chunk = parseObject(data);
        const error = asObject(chunk?.error);
        if (error) {
            handlers.onFailure({ kind: 'refused', detail: asString(error.message) });
            return;
        }
        const choice = asObject(first(chunk?.choices));
        const text = asString(asObject(choice?.delta)?.content);
        if (text) handlers.onText(text);
        finishReason = asString(choice?.finish_reason) ?? finishReason;
        usage = readUsage(chunk?.usage) ?? usage;
        timings = readTimings(chunk?.timings) ?? timings;
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
