import type { Message, MessageState, ReplyFigures, Role, Timings, TokenUsage } from '../types/chat';
import type { Conversation, ConversationChange, ConversationDocument } from '../types/conversation';
import { asArray, asNumber, asObject, asString, type JSONObject } from '../utils/json';
import { generationObject, readGeneration } from '../utils/preferences';
import { isIdentifier } from '../utils/identifier';

// Conversations and messages as the sessions API and exported files spell them. What is read may come from anywhere: nothing is trusted.

export const singleFormat = 'stellarchat.session';
export const manyFormat = 'stellarchat.sessions';

const roles: readonly Role[] = ['system', 'user', 'assistant'];
const states: readonly MessageState[] = ['complete', 'streaming', 'cancelled', 'interrupted', 'failed'];

export function readConversation(value: unknown): Conversation | undefined {
    const object = asObject(value);
    const id = asString(object?.id);
    if (!object || id === undefined || !isIdentifier(id)) return undefined;
    const createdAt = asNumber(object.created_at) ?? 0;
    return {
        id,
        title: asString(object.title) ?? '',
        createdAt,
        updatedAt: asNumber(object.updated_at) ?? createdAt,
        model: asString(object.model) ?? null,
        systemPrompt: asString(object.system_prompt) ?? null,
        pinned: object.pinned === true,
        settings: readGeneration(asObject(object.settings)),
        currentMessageId: asString(object.current_message_id) ?? null,
        snippet: asString(object.snippet),
    };
}

export function writeConversation(conversation: Conversation): JSONObject {
    const { id, title, createdAt, updatedAt } = conversation;
    return { id, object: 'session', title, created_at: createdAt, updated_at: updatedAt, ...writeChange(conversation) };
}

export function writeChange(change: ConversationChange): JSONObject {
    const { title, pinned, model, systemPrompt, settings, currentMessageId } = change;
    return {
        ...(title !== undefined && { title }),
        ...(pinned !== undefined && { pinned }),
        ...(model !== undefined && { model }),
        ...(systemPrompt !== undefined && { system_prompt: systemPrompt }),
        ...(settings !== undefined && { settings: generationObject(settings) }),
        ...(currentMessageId !== undefined && { current_message_id: currentMessageId }),
    };
}

export function readMessage(value: unknown): Message | undefined {
    const object = asObject(value);
    const id = asString(object?.id);
    const role = roles.find((each) => each === object?.role);
    const content = asString(object?.content);
    if (!object || id === undefined || !isIdentifier(id) || !role || content === undefined) return undefined;
    const usage = readUsage(object.usage);
    const timings = readTimings(object.timings);
    return {
        id,
        parentId: asString(object.parent_id) ?? null,
        role,
        content,
        createdAt: asNumber(object.created_at) ?? 0,
        state: states.find((each) => each === object.state) ?? 'complete',
        finishReason: asString(object.finish_reason),
        model: asString(object.model),
        figures: usage || timings ? readFigures(usage, timings) : undefined,
    };
}

function readFigures(usage: TokenUsage | undefined, timings: Timings | undefined): ReplyFigures {
    return {
        inputTokens: usage?.inputTokens ?? timings?.promptTokens,
        outputTokens: usage?.outputTokens ?? timings?.outputTokens,
        cachedTokens: timings?.cachedTokens,
        firstTokenSeconds: timings?.promptMilliseconds === undefined ? undefined : timings.promptMilliseconds / 1000,
        tokensPerSecond: timings?.outputPerSecond,
        promptPerSecond: timings?.promptPerSecond,
    };
}

export function writeMessage(message: Message): JSONObject {
    const { id, parentId, role, content, createdAt, state, finishReason, model, figures } = message;
    return {
        id, object: 'session.message', parent_id: parentId, role, content, created_at: createdAt, updated_at: createdAt, state,
        finish_reason: finishReason ?? null,
        model: model ?? null,
        usage: figures?.outputTokens === undefined
            ? null : { prompt_tokens: figures.inputTokens ?? 0, completion_tokens: figures.outputTokens },
        timings: figures === undefined ? null : {
            prompt_n: figures.inputTokens,
            prompt_ms: figures.firstTokenSeconds === undefined ? undefined : figures.firstTokenSeconds * 1000,
            prompt_per_second: figures.promptPerSecond,
            predicted_n: figures.outputTokens,
            predicted_per_second: figures.tokensPerSecond,
            cached_n: figures.cachedTokens,
        },
    };
}

/** Counts in the spelling of chat completions or of the WebSocket. */
export function readUsage(value: unknown): TokenUsage | undefined {
    const object = asObject(value);
    const inputTokens = asNumber(object?.prompt_tokens) ?? asNumber(object?.input_tokens);
    const outputTokens = asNumber(object?.completion_tokens) ?? asNumber(object?.output_tokens);
    return inputTokens === undefined || outputTokens === undefined ? undefined : { inputTokens, outputTokens };
}

export function readTimings(value: unknown): Timings | undefined {
    const object = asObject(value);
    if (!object) return undefined;
    return {
        promptTokens: asNumber(object.prompt_n),
        promptMilliseconds: asNumber(object.prompt_ms),
        promptPerSecond: asNumber(object.prompt_per_second),
        outputTokens: asNumber(object.predicted_n),
        outputPerSecond: asNumber(object.predicted_per_second),
        cachedTokens: asNumber(object.cached_n),
    };
}

export function writeDocument({ conversation, messages }: ConversationDocument): JSONObject {
    return { format: singleFormat, version: 1, session: writeConversation(conversation), messages: messages.map(writeMessage) };
}

/** The conversations of an exported file; undefined if it is none. */
export function readDocuments(value: unknown): readonly ConversationDocument[] | undefined {
    const object = asObject(value);
    const parts = object?.format === singleFormat ? [object] : object?.format === manyFormat ? asArray(object.sessions) : undefined;
    if (!parts || object?.version !== 1) return undefined;
    const documents: ConversationDocument[] = [];
    for (const part of parts) {
        const conversation = readConversation(asObject(part)?.session);
        if (!conversation) return undefined;
        documents.push({ conversation, messages: readMessages(asObject(part)?.messages) });
    }
    return documents;
}

export function readMessages(value: unknown): readonly Message[] {
    return asArray(value).map(readMessage).filter((message): message is Message => message !== undefined);
}
