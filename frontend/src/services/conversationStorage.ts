import { isRunning, type Message } from '../types/chat';
import { readStored, session, storageKeys, writeStored } from '../utils/storage';
import { asObject, asString } from './json';

/** Larger conversations are not kept over a reload (browsers give a page about 5 MB). */
const longestText = 2_000_000;

/** Keeps the conversation of this tab over a reload. A reply that was running is kept as an interrupted one. */
export function saveConversation(messages: readonly Message[]): void {
    const kept = messages.map((message) =>
        isRunning(message) ? { ...message, status: 'failed', failure: { kind: 'interrupted' } } : message);
    const text = JSON.stringify(kept);
    writeStored(session, storageKeys.conversation, messages.length === 0 || text.length > longestText ? null : text);
}

export function loadConversation(): readonly Message[] {
    const text = readStored(session, storageKeys.conversation);
    if (text === null) return [];
    try {
        const value: unknown = JSON.parse(text);
        return Array.isArray(value) && value.every(isMessage) ? value : [];
    } catch {
        return [];
    }
}

function isMessage(value: unknown): value is Message {
    const message = asObject(value);
    if (asString(message?.id) === undefined || asString(message?.content) === undefined) return false;
    return message?.role === 'user' || (message?.role === 'assistant' && asString(message.status) !== undefined);
}
