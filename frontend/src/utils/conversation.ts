import type { Message, WireMessage } from '../types/chat';
import { splitReasoning } from './reasoning';

const longestTitle = 60;

/** A title from the first message: its first line that says something, without Markdown signs, cut at a word. */
export function titleFrom(text: string): string {
    const line = text.split('\n').map((each) => each.replace(/^[\s#>*`~-]+|[`*_~]+/g, '').trim()).find((each) =>
        /[\p{L}\p{N}]/u.test(each));
    const characters = [...(line ?? text.trim()).replace(/\s+/g, ' ')];
    if (characters.length <= longestTitle) return characters.join('');
    const cut = characters.slice(0, longestTitle).join('');
    const word = cut.lastIndexOf(' ');
    return `${(word > longestTitle / 2 ? cut.slice(0, word) : cut).trim()}…`;
}

/**
 * What the model is shown. Replies without text (failed or stopped before the first word) are left out, and the user's messages
 * around them become one, for many chat templates refuse two messages of the same role in a row. Reasoning of earlier replies is not
 * shown again, as models that reason expect; that of the last message is, for it may be continued.
 */
export function wireMessages(path: readonly Message[], systemPrompt: string | null): WireMessage[] {
    const result: WireMessage[] = [];
    if (systemPrompt !== null && systemPrompt.trim() !== '') result.push({ role: 'system', content: systemPrompt });
    path.forEach(({ role, content }, index) => {
        const shown = role === 'assistant' && index < path.length - 1 ? splitReasoning(content).answer : content;
        if (shown.trim() === '') return;
        const last = result[result.length - 1];
        if (last?.role === role) result[result.length - 1] = { role, content: `${last.content}\n\n${shown}` };
        else result.push({ role, content: shown });
    });
    return result;
}
