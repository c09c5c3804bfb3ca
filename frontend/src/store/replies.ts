import { requestReply } from '../services/chatClient';
import type { RunningReply } from '../services/transport';
import type { Failure, LiveReply, Message, MessageState, Timings, TokenUsage } from '../types/chat';
import { titleFrom, wireMessages } from '../utils/conversation';
import { figuresOf } from '../utils/figures';
import { newIdentifier } from '../utils/identifier';
import { pathTo } from '../utils/tree';
import {
    findMessage, openConversation, persist, reload, replaceMessage, updateOpen, type OpenConversation,
} from './chatStore';
import { listStore, putInList, theArchive } from './listStore';
import { liveReply, setLiveReply } from './liveReplies';
import { preferencesStore } from './preferencesStore';
import { serverStore } from './serverStore';

interface Run {
    readonly conversationId: string;
    readonly stop: () => void;
}

/** Replies that are being written, by the id of their message. */
const runs = new Map<string, Run>();
/** Replies that were stopped and whose last words may still be on their way, by the id of their message. */
const endings = new Map<string, Promise<void>>();
const keepInterval = 1_000;

function message(role: Message['role'], parentId: string | null, content: string, state: MessageState): Message {
    return { id: newIdentifier(), parentId, role, content, createdAt: Date.now(), state };
}

/** Says something below `parentId` and asks for the reply. */
export function say(conversationId: string, parentId: string | null, content: string): void {
    const question = message('user', parentId, content, 'complete');
    const answer = message('assistant', question.id, '', 'streaming');
    updateOpen(conversationId, ({ state, messages, conversation }) => ({
        state: 'ready',
        messages: [...messages, question, answer],
        conversation: {
            ...conversation,
            title: state === 'new' && conversation.title === '' ? titleFrom(content) : conversation.title,
            currentMessageId: answer.id,
        },
    }));
    void begin(conversationId, answer.id);
}

/** Asks for another reply to the message that `replyId` answers. A reply without text is replaced. */
export function askAgain(conversationId: string, replyId: string): void {
    const old = findMessage(conversationId, replyId);
    if (!old || old.parentId === null || runs.has(replyId)) return;
    const answer = message('assistant', old.parentId, '', 'streaming');
    const replaced = old.content === '';
    updateOpen(conversationId, ({ messages, conversation }) => ({
        messages: [...(replaced ? messages.filter(({ id }) => id !== replyId) : messages), answer],
        conversation: { ...conversation, currentMessageId: answer.id },
    }));
    if (replaced && !old.unsaved) void theArchive().then((archive) => archive.removeMessage(conversationId, replyId)).catch(() =>
        undefined);
    void begin(conversationId, answer.id);
}

/** Has the model go on with a reply that was cut off: with all of it that the server has. */
export async function goOn(conversationId: string, replyId: string): Promise<void> {
    await endings.get(replyId);
    const old = findMessage(conversationId, replyId);
    if (!old || runs.has(replyId)) return;
    replaceMessage(conversationId, replyId, ({ failure: _, finishReason: __, ...rest }) => ({ ...rest, state: 'streaming' }));
    void begin(conversationId, replyId);
}

export function stopReplies(conversationId: string): void {
    for (const run of [...runs.values()]) {
        if (run.conversationId === conversationId) run.stop();
    }
}

/** Stops the replies among these messages. */
export function stopAmong(messages: readonly Message[]): void {
    for (const { id } of messages) runs.get(id)?.stop();
}

async function begin(conversationId: string, replyId: string): Promise<void> {
    const opened = openConversation(conversationId);
    const reply = findMessage(conversationId, replyId);
    const question = reply?.parentId ? findMessage(conversationId, reply.parentId) : undefined;
    if (!opened || !reply || !question) return;
    const follower = new ReplyFollower(conversationId, reply);
    let request: RunningReply | undefined;
    const run: Run = { conversationId, stop: () => follower.stop(request) };
    runs.set(replyId, run);
    try {
        const record = await prepareArchive(opened, question, reply);
        if (runs.get(replyId) !== run) return;
        const { conversation, messages } = opened;
        request = requestReply({
            id: newIdentifier(),
            messages: wireMessages(withoutEmptyEnd(pathTo(messages, replyId)), conversation.systemPrompt),
            model: conversation.model ?? undefined,
            settings: conversation.settings,
            stream: preferencesStore.get().streaming,
            record: record ? {
                sessionId: conversationId, parentId: question.parentId, userMessageId: question.id, messageId: replyId,
            } : undefined,
        }, {
            onProgress: (progress) => follower.update({ progress }),
            onText: (text) => follower.add(text),
            onFinish: (finishReason, usage, timings) => follower.finish('complete', { finishReason, usage, timings }),
            onFailure: (failure) => follower.finish(failure.kind === 'interrupted' ? 'interrupted' : 'failed', { failure }),
        });
    } catch {
        follower.finish('failed', { failure: { kind: serverStore.get().needsKey ? 'unauthorized' : 'unreachable' } });
    }
}

function withoutEmptyEnd(path: readonly Message[]): readonly Message[] {
    return path[path.length - 1]?.content === '' ? path.slice(0, -1) : path;
}

/**
 * Makes sure that the archive knows the conversation, and what of it has never got there.
 * Gives whether the archive records the reply by itself.
 */
async function prepareArchive({ conversation, messages }: OpenConversation, question: Message, reply: Message): Promise<boolean> {
    const archive = await theArchive();
    putInList({ ...conversation, updatedAt: Date.now() });
    persist(conversation.id);
    if (conversation.unsaved) {
        await archive.create({ ...conversation, unsaved: undefined, updatedAt: Date.now() });
        updateOpen(conversation.id, ({ conversation: now }) => ({ conversation: { ...now, unsaved: undefined } }));
        persist(conversation.id);
    }
    for (const { id } of pathTo(messages, reply.id)) {
        const kept = findMessage(conversation.id, id);
        if (!kept?.unsaved || id === question.id || (id === reply.id && kept.content === '')) continue;
        await archive.addMessage(conversation.id, kept);
        replaceMessage(conversation.id, id, (each) => ({ ...each, unsaved: undefined }));
    }
    return archive.place === 'server';
}

interface ReplyEnd {
    readonly finishReason?: string | undefined;
    readonly usage?: TokenUsage | undefined;
    readonly timings?: Timings | undefined;
    readonly failure?: Failure | undefined;
}

/**
 * Lets one reply grow, at most once a frame however fast its text arrives, and writes its end into the conversation. One that is stopped
 * is shown so at once; what the server had written by then still joins it.
 */
class ReplyFollower {
    private live: LiveReply;
    private frame: number | undefined;
    private keptAt = performance.now();
    private stopped = false;
    private ended = false;
    private settle: () => void = () => undefined;

    constructor(private readonly conversationId: string, private readonly reply: Message) {
        this.live = { text: reply.content, pieces: 0, startedAt: performance.now(), continuedFrom: reply.content.length };
        setLiveReply(reply.id, this.live);
    }

    update(change: Partial<LiveReply>): void {
        if (this.ended) return;
        this.live = { ...this.live, ...change };
        if (!this.stopped) this.frame ??= requestFrame(() => this.show());
    }

    add(text: string): void {
        if (text === '') return;
        const now = performance.now();
        const { live } = this;
        this.update({ text: live.text + text, pieces: live.pieces + 1, firstTextAt: live.firstTextAt ?? now, lastTextAt: now });
    }

    stop(request: RunningReply | undefined): void {
        if (this.stopped) return;
        this.stopped = true;
        this.conclude('cancelled');
        if (!request) {
            this.ended = true;
            return;
        }
        endings.set(this.reply.id, new Promise((resolve) => {
            this.settle = resolve;
        }));
        request.cancel();
    }

    finish(state: MessageState, end: ReplyEnd = {}): void {
        if (this.ended) return;
        this.ended = true;
        if (!this.stopped) {
            this.conclude(state, end);
            return;
        }
        // One that came to its end before the server heard that it was to be stopped is complete.
        const isWhole = state === 'complete' && end.finishReason !== undefined && end.finishReason !== 'cancelled';
        if (isWhole) this.write('complete', end);
        else this.write('cancelled', { usage: end.usage, timings: end.timings });
        persist(this.conversationId);
        endings.delete(this.reply.id);
        this.settle();
    }

    private conclude(state: MessageState, end?: ReplyEnd): void {
        if (this.frame !== undefined) cancelFrame(this.frame);
        runs.delete(this.reply.id);
        this.write(state, end);
        setLiveReply(this.reply.id, undefined);
        const conversation = openConversation(this.conversationId)?.conversation;
        if (conversation) putInList({ ...conversation, updatedAt: Date.now() });
        persist(this.conversationId);
    }

    private write(state: MessageState, { finishReason, usage, timings, failure }: ReplyEnd = {}): void {
        const { conversationId, live, reply } = this;
        const unsent = failure !== undefined && failure.kind !== 'interrupted' && live.pieces === 0;
        replaceMessage(conversationId, reply.id, (message) => ({
            ...message, state, finishReason, failure, content: live.text,
            model: openConversation(conversationId)?.conversation.model ?? serverStore.get().model,
            figures: figuresOf(live, usage, timings),
            unsaved: unsent || undefined,
        }));
        // A message that was never sent is sent again with the next one.
        if (unsent && reply.parentId !== null) {
            replaceMessage(conversationId, reply.parentId, (question) => ({ ...question, unsaved: true }));
        }
    }

    private show(): void {
        this.frame = undefined;
        setLiveReply(this.reply.id, this.live);
        const now = performance.now();
        if (now - this.keptAt < keepInterval) return;
        this.keptAt = now;
        persist(this.conversationId);
    }
}

/** After the connection was lost, the server may have more of a reply than has arrived here. */
export function reloadInterrupted(): void {
    for (const id of interruptedConversations()) void reload(id);
}

function interruptedConversations(): readonly string[] {
    return listStore.get().items.map(({ id }) => id).filter((id) => {
        const opened = openConversation(id);
        if (!opened || opened.messages.some(({ id: each }) => liveReply(each))) return false;
        return opened.state === 'unreachable' || opened.messages.some(({ state }) => state === 'interrupted');
    });
}

/** Animation frames stop in a hidden tab, where a slow timer does. */
function requestFrame(action: () => void): number {
    return document.hidden ? -window.setTimeout(action, 250) : window.requestAnimationFrame(action);
}

function cancelFrame(handle: number): void {
    if (handle < 0) window.clearTimeout(-handle);
    else window.cancelAnimationFrame(handle);
}
