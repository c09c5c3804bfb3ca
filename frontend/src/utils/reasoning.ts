export interface SplitReply {
    /** What the model thought before its answer; undefined if it did not. */
    readonly reasoning?: string | undefined;
    readonly answer: string;
    /** The reasoning has not ended. */
    readonly open: boolean;
}

const opening = /^\s*<think(?:ing)?>\n?/i;
const closing = /<\/think(?:ing)?>\s*/i;

/** Part of a reply, as a search found it, without the tags. */
export function withoutReasoningTags(text: string): string {
    return text.replace(/<\/?think(?:ing)?>/gi, ' ').trim();
}

/** Parts a reply into reasoning, which models write between `<think>` and `</think>` at the start, and answer. */
export function splitReasoning(text: string): SplitReply {
    const [start] = opening.exec(text) ?? [];
    if (start === undefined) return { answer: text, open: false };
    const rest = text.slice(start.length);
    const end = closing.exec(rest);
    if (!end) return { reasoning: rest, answer: '', open: true };
    return { reasoning: rest.slice(0, end.index).trimEnd(), answer: rest.slice(end.index + (end[0] ?? '').length), open: false };
}
