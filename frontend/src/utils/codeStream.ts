import type { Mode } from 'highlight.js/lib/highlight';
import type { CodeNode } from './highlighted';

/** A stretch of lines with their colours. */
export interface CodePart {
    readonly text: string;
    readonly nodes: readonly CodeNode[];
}

/** What is needed of the highlighter, which is loaded on demand. */
export interface Colouring {
    highlightCode(language: string, code: string,
        start: Mode | undefined): { readonly nodes: readonly CodeNode[]; readonly end: Mode | undefined };
}

const linesOfPart = 24;
/** Beyond this length code is shown without colours: nobody reads it, and colouring takes time. */
const longestColoured = 60_000;

/** Colours a growing piece of code part by part, so that only the last lines are looked at again. */
export class CodeStream {
    private readonly settled: CodePart[] = [];
    private settledText = '';
    private state: Mode | undefined;

    constructor(readonly language: string, readonly highlighter: Colouring | undefined) {}

    update(code: string): readonly CodePart[] {
        if (!code.startsWith(this.settledText)) {
            this.settled.length = 0;
            this.settledText = '';
            this.state = undefined;
        }
        let rest = code.slice(this.settledText.length);
        for (let end = endOfLines(rest); end !== undefined; end = endOfLines(rest)) {
            const text = rest.slice(0, end);
            const { part, state } = this.colour(text);
            this.settled.push(part);
            this.state = state;
            this.settledText += text;
            rest = rest.slice(end);
        }
        return rest === '' ? [...this.settled] : [...this.settled, this.colour(rest).part];
    }

    private colour(text: string): { readonly part: CodePart; readonly state: Mode | undefined } {
        if (!this.highlighter || this.settledText.length > longestColoured) return { part: { text, nodes: [text] }, state: undefined };
        const { nodes, end } = this.highlighter.highlightCode(this.language.toLowerCase(), text, this.state);
        return { part: { text, nodes }, state: end };
    }
}

/** Where a full part ends, if more text follows it. */
function endOfLines(text: string): number | undefined {
    let end = 0;
    for (let line = 0; line < linesOfPart; line += 1) {
        const next = text.indexOf('\n', end);
        if (next < 0) return undefined;
        end = next + 1;
    }
    return end < text.length ? end : undefined;
}
