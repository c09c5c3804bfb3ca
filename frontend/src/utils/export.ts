import type { Message } from '../types/chat';
import { splitReasoning } from './reasoning';

interface Names {
    readonly you: string;
    readonly assistant: string;
}

/** The shown branch of a conversation as a Markdown document. */
export function markdownOf(title: string, path: readonly Message[], names: Names): string {
    const parts = path.filter(({ content }) => content.trim() !== '').map(({ role, content }) => {
        const name = role === 'user' ? names.you : role === 'assistant' ? names.assistant : 'System';
        return `## ${name}\n\n${splitReasoning(content).answer.trim()}\n`;
    });
    return `# ${title.replace(/\s+/g, ' ').trim()}\n\n${parts.join('\n')}`;
}
