import type { Message, Role } from '../types/chat';
import { newIdentifier } from './identifier';
import { splitReasoning } from './reasoning';

/** What each side of a conversation is called in a document. */
export type Speakers = Readonly<Record<Role, string>>;

const heading = /^(\\*)## (.+?)\s*$/;

/** The shown branch of a conversation as a Markdown document. A line that reads like the start of a message gets a backslash. */
export function markdownOf(title: string, path: readonly Message[], names: Speakers, everyName: readonly string[]): string {
    const parts = path.filter(({ content }) => content.trim() !== '').map(({ role, content }) => {
        const lines = splitReasoning(content).answer.trim().split('\n').map((line) => {
            const name = heading.exec(line)?.[2];
            return name !== undefined && everyName.includes(name) ? `\\${line}` : line;
        });
        return `## ${names[role]}\n\n${lines.join('\n')}\n`;
    });
    return `# ${title.replace(/\s+/g, ' ').trim()}\n\n${parts.join('\n')}`;
}

export interface MarkdownConversation {
    readonly title: string;
    /** One branch: each answers the one before. */
    readonly messages: readonly Message[];
}

/** Reads what `markdownOf` has written, in any of the languages; undefined for any other text. */
export function readMarkdown(text: string, languages: readonly Speakers[]): MarkdownConversation | undefined {
    const roles = new Map(languages.flatMap(({ user, assistant, system }) =>
        [[user, 'user'], [assistant, 'assistant'], [system, 'system']] as const));
    const [first = '', ...lines] = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n').split('\n');
    const parts: { readonly role: Role; readonly lines: string[] }[] = [];
    for (const line of lines) {
        const [, escapes, name = ''] = heading.exec(line) ?? [];
        const role = roles.get(name);
        const part = parts[parts.length - 1];
        if (role !== undefined && escapes === '') parts.push({ role, lines: [] });
        else if (part) part.lines.push(role === undefined ? line : line.slice(1));
        else if (line.trim() !== '') return undefined;
    }
    if (!first.startsWith('# ') || parts.length === 0) return undefined;
    const messages: Message[] = [];
    for (const [index, { role, lines: content }] of parts.entries()) {
        messages.push({
            id: newIdentifier(), parentId: messages[index - 1]?.id ?? null, role, content: content.join('\n').trim(),
            createdAt: Date.now() + index, state: 'complete',
        });
    }
    return { title: first.slice(2).trim(), messages };
}
