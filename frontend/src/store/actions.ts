import { navigate } from '../routes/navigation';
import { APIFailure } from '../services/api';
import { writeDocument } from '../services/wire';
import type { Conversation, GenerationSettings } from '../types/conversation';
import { markdownOf, readMarkdown, type Speakers } from '../utils/export';
import { download, fileName } from '../utils/files';
import { newIdentifier } from '../utils/identifier';
import { parseJSON } from '../utils/json';
import type { Language } from '../utils/preferences';
import { fill, texts, type TextKey } from '../utils/texts';
import { currentAfterRemoval, latestLeaf, siblingsOf, withoutBranch } from '../utils/tree';
import {
    activeConversation, changeConversation, chatStore, findMessage, openConversation, persist, shownPath, showNewConversation, updateOpen,
} from './chatStore';
import { notify } from './interfaceStore';
import { putInList, refreshList, takeFromList, theArchive } from './listStore';
import { preferencesStore, setDefaultGeneration } from './preferencesStore';
import { askAgain, goOn, say, stopAmong, stopReplies } from './replies';

// What the reader can do with conversations and messages.

function text(key: TextKey, values?: Readonly<Record<string, string>>): string {
    return fill(texts[preferencesStore.get().language][key], values);
}

function reasonOf(error: unknown): string {
    if (error instanceof APIFailure && error.status === 0) return text('failureUnreachable');
    return error instanceof Error ? error.message : String(error);
}

/** Changes are shown at once; one that the archive refuses is told. */
function tell(key: TextKey): (error: unknown) => void {
    return (error) => notify(text(key, { reason: reasonOf(error) }));
}

export function sendMessage(content: string): void {
    const active = activeConversation();
    const path = shownPath(active);
    const { id } = active.conversation;
    const isNew = active.state === 'new';
    say(id, path[path.length - 1]?.id ?? null, content);
    if (isNew) navigate(`/c/${id}`, { replace: true });
}

export function stopActive(): void {
    stopReplies(chatStore.get().activeId);
}

// Each of these takes the place of a reply that is still being written: one would go on out of sight, and keep the next from being sent.

export function editMessage(id: string, content: string): void {
    const { activeId } = chatStore.get();
    const old = findMessage(activeId, id);
    stopReplies(activeId);
    if (old) say(activeId, old.parentId, content);
}

export function regenerate(id: string): void {
    stopActive();
    askAgain(chatStore.get().activeId, id);
}

export function continueMessage(id: string): void {
    stopActive();
    void goOn(chatStore.get().activeId, id);
}

/** Shows the variant that is `offset` further of a message, with what follows from it. */
export function chooseVariant(id: string, offset: number): void {
    const { conversation, messages } = activeConversation();
    const message = findMessage(conversation.id, id);
    if (!message) return;
    const siblings = siblingsOf(messages, message);
    const other = siblings[siblings.findIndex((sibling) => sibling.id === id) + offset];
    if (other) changeConversation(conversation.id, { currentMessageId: latestLeaf(messages, other.id) }).catch(() => undefined);
}

export function deleteMessage(id: string): void {
    const kept = new Set(withoutBranch(activeConversation().messages, id));
    stopAmong(activeConversation().messages.filter((message) => !kept.has(message)));
    const { conversation, messages } = activeConversation();
    const conversationId = conversation.id;
    const current = currentAfterRemoval(messages, id);
    updateOpen(conversationId, () => ({
        messages: withoutBranch(messages, id), conversation: { ...conversation, currentMessageId: current },
    }));
    notify(text('messageDeleted'), {
        undo: () => updateOpen(conversationId, (now) => {
            const added = now.messages.filter((message) => !messages.includes(message) && !messages.some((old) => old.id === message.id));
            return { messages: [...messages, ...added], conversation: { ...now.conversation,
                currentMessageId: conversation.currentMessageId } };
        }),
        commit: () => {
            theArchive().then(async (archive) => {
                await archive.removeMessage(conversationId, id);
                await archive.change(conversationId,
                    { currentMessageId: openConversation(conversationId)?.conversation.currentMessageId ?? null });
                persist(conversationId);
            }).catch(tell('changeFailed'));
        },
    });
}

export function renameConversation(id: string, title: string): void {
    if (title.trim() !== '') changeConversation(id, { title: title.trim() }).catch(tell('changeFailed'));
}

export function pinConversation(id: string, pinned: boolean): void {
    changeConversation(id, { pinned }).catch(tell('changeFailed'));
}

export function deleteConversation(conversation: Conversation): void {
    const { id } = conversation;
    stopReplies(id);
    takeFromList(id);
    const wasActive = chatStore.get().activeId === id;
    if (wasActive) navigate('/');
    notify(text('conversationDeleted'), {
        undo: () => {
            putInList(conversation);
            if (wasActive) navigate(`/c/${id}`);
        },
        commit: () => {
            theArchive().then((archive) => archive.remove(id)).catch(tell('changeFailed'));
            forget(id);
        },
    });
}

function forget(id: string): void {
    if (chatStore.get().activeId === id) showNewConversation();
    chatStore.set(({ open: { [id]: _, ...others } }) => ({ open: others }));
}

/** Settings hold for the conversation that is shown, and for new ones. */
export function setGeneration(settings: GenerationSettings): void {
    setDefaultGeneration(settings);
    changeConversation(chatStore.get().activeId, { settings }).catch(tell('changeFailed'));
}

export function setSystemPrompt(prompt: string): void {
    changeConversation(chatStore.get().activeId, { systemPrompt: prompt.trim() === '' ? null : prompt }).catch(tell('changeFailed'));
}

export function setModel(model: string | null): void {
    changeConversation(chatStore.get().activeId, { model }).catch(tell('changeFailed'));
}

export async function exportConversation({ id, title }: Conversation, format: 'json' | 'md'): Promise<void> {
    try {
        const document = openConversation(id)?.state === 'ready' ? openConversation(id) : await (await theArchive()).load(id);
        if (!document) throw new Error(text('missingConversation'));
        const name = fileName(title, format);
        if (format === 'json') download(name, 'application/json', JSON.stringify(writeDocument(document), null, 2));
        else download(name, 'text/markdown', markdownOf(title, shownPath(document), speakers[preferencesStore.get().language], everyName));
    } catch (error) {
        tell('exportFailed')(error);
    }
}

export async function exportAll(): Promise<void> {
    try {
        const document = await (await theArchive()).exportAll();
        download('stellarchat.json', 'application/json', JSON.stringify(document, null, 2));
    } catch (error) {
        tell('exportFailed')(error);
    }
}

const speakersOf = (language: Language): Speakers =>
    ({ user: texts[language].you, assistant: texts[language].assistant, system: texts[language].system });
const speakers: Readonly<Record<Language, Speakers>> = { en: speakersOf('en'), zh: speakersOf('zh') };
const everyName = Object.values(speakers).flatMap((names) => Object.values<string>(names));

/** An exported file as the archive takes it. @throws APIFailure if it is Markdown, but no conversation */
function readExport(name: string, content: string): unknown {
    if (!/\.(md|markdown)$/i.test(name)) return parseJSON(content);
    const read = readMarkdown(content, Object.values(speakers));
    if (!read) throw new APIFailure(400, 'not_an_export', '');
    const now = Date.now();
    const conversation: Conversation = {
        id: newIdentifier(), title: read.title, createdAt: now, updatedAt: now, model: null, systemPrompt: null, pinned: false,
        settings: preferencesStore.get().generation, currentMessageId: read.messages[read.messages.length - 1]?.id ?? null,
    };
    return writeDocument({ conversation, messages: read.messages });
}

export async function importFiles(files: readonly File[]): Promise<void> {
    for (const file of files) {
        try {
            const added = await (await theArchive()).importFile(readExport(file.name, await file.text()));
            await refreshList();
            notify(added.length === 1 ? text('importedOne') : text('imported', { count: String(added.length) }));
        } catch (error) {
            const none = error instanceof APIFailure && error.code === 'not_an_export';
            notify(text('importFailed', { reason: none ? text('notAnExport') : reasonOf(error) }));
        }
    }
}
