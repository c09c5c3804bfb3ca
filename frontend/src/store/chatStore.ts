import { requestReply } from '../services/chatClient';
import { loadConversation, saveConversation } from '../services/conversationStorage';
import type { RunningReply } from '../services/transport';
import { isRunning, type AssistantMessage, type Message, type WireMessage } from '../types/chat';
import { ReplyStopwatch } from '../utils/figures';
import { newIdentifier } from '../utils/identifier';
import { createStore } from './createStore';

interface ChatState {
    readonly messages: readonly Message[];
}

export const chatStore = createStore<ChatState>({ messages: loadConversation() });

let running: RunningReply | undefined;

chatStore.subscribe(() => {
    const { messages } = chatStore.get();
    if (!isRunning(messages[messages.length - 1])) saveConversation(messages);
});
window.addEventListener('pagehide', () => saveConversation(chatStore.get().messages));

export function sendMessage(content: string): void {
    if (running) return;
    appendReply([...chatStore.get().messages, { id: newIdentifier('user'), role: 'user', content }]);
}

/** Asks again for the last reply, whose text so far is dropped. */
export function retryReply(): void {
    if (running) return;
    const { messages } = chatStore.get();
    const last = messages[messages.length - 1];
    appendReply(last?.role === 'assistant' ? messages.slice(0, -1) : messages);
}

export function stopReply(): void {
    running?.cancel();
    finishReply?.({ status: 'stopped' });
}

export function newConversation(): void {
    running?.cancel();
    running = undefined;
    finishReply = undefined;
    chatStore.set({ messages: [] });
}

let finishReply: ((end: Partial<AssistantMessage>) => void) | undefined;

/** Shows an empty reply below `messages` and lets it grow, at most once per frame however fast the text arrives. */
function appendReply(messages: readonly Message[]): void {
    const id = newIdentifier('reply');
    const stopwatch = new ReplyStopwatch();
    let text = '';
    let frame: number | undefined;
    chatStore.set({ messages: [...messages, { id, role: 'assistant', content: '', status: 'waiting' }] });

    const show = (): void => {
        frame = undefined;
        updateReply(id, { content: text, status: 'streaming' });
    };
    const finish = (end: Partial<AssistantMessage>): void => {
        if (frame !== undefined) cancelFrame(frame);
        running = undefined;
        finishReply = undefined;
        updateReply(id, { content: text, ...end });
    };
    finishReply = finish;
    running = requestReply({ id, messages: wireMessages(messages) }, {
        onText(piece) {
            if (piece === '') return;
            stopwatch.text();
            text += piece;
            frame ??= requestFrame(show);
        },
        onFinish(finishReason, usage) {
            const figures = stopwatch.finish(usage);
            finish({ status: 'done', ...(finishReason && { finishReason }), ...(figures && { figures }) });
        },
        onFailure: (failure) => finish({ status: 'failed', failure }),
    });
}

function updateReply(id: string, change: Partial<AssistantMessage>): void {
    chatStore.set(({ messages }) => ({
        messages: messages.map((message) =>
            message.id === id && message.role === 'assistant' ? { ...message, ...change } : message),
    }));
}

/**
 * What the model is shown. Replies without text (failed or stopped before the first word) are left out, and the user's messages
 * around them become one, for many chat templates refuse two messages of the same role in a row.
 */
function wireMessages(messages: readonly Message[]): WireMessage[] {
    const result: WireMessage[] = [];
    for (const { role, content } of messages) {
        if (content === '') continue;
        const last = result[result.length - 1];
        if (last?.role === role) result[result.length - 1] = { role, content: `${last.content}\n\n${content}` };
        else result.push({ role, content });
    }
    return result;
}

/** Animation frames stop in a hidden tab, where a slow timer does. */
function requestFrame(action: () => void): number {
    return document.hidden ? -window.setTimeout(action, 250) : window.requestAnimationFrame(action);
}

function cancelFrame(handle: number): void {
    if (handle < 0) window.clearTimeout(-handle);
    else window.cancelAnimationFrame(handle);
}
