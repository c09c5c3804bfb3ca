import type { marked } from 'marked';

export interface MathToken {
    readonly type: 'math';
    readonly raw: string;
    readonly text: string;
    readonly display: boolean;
}

const blockPatterns = [/^ {0,3}\$\$([^$]+?)\$\$[ \t]*(?:\n|$)/, /^ {0,3}\\\[([\s\S]+?)\\\][ \t]*(?:\n|$)/];
// Nearly as in Pandoc: no space inside of the dollars, and no letter or digit behind the last one, so that prices stay prices.
const inlinePatterns = [/^\$\$([^$\n]+?)\$\$/,
    /^\$(?!\s|\$)((?:\\.|[^$\\\n`])+?)(?<!\s)\$(?![\w$])/, /^\\\(([\s\S]+?)\\\)/, /^\\\[([\s\S]+?)\\\]/];

function token(patterns: readonly RegExp[], source: string, display: (raw: string) => boolean): MathToken | undefined {
    for (const pattern of patterns) {
        const [raw, text] = pattern.exec(source) ?? [];
        if (raw !== undefined && text !== undefined) return { type: 'math', raw, text: text.trim(), display: display(raw) };
    }
    return undefined;
}

function startOf(source: string, pattern: RegExp): number {
    return source.search(pattern);
}

/** `$$…$$` and `\[…\]` as blocks of their own. */
export const blockMath: marked.TokenizerExtension = {
    name: 'math',
    level: 'block',
    // What is searched begins within a line, behind its first character.
    start: (source) => startOf(source, /\n {0,3}(?:\$\$|\\\[)/),
    tokenizer: (source) => token(blockPatterns, source, () => true),
};

/** `$…$` and `\(…\)` within text. */
export const inlineMath: marked.TokenizerExtension = {
    name: 'math',
    level: 'inline',
    start: (source) => startOf(source, /\$|\\[([]/),
    tokenizer: (source) => token(inlinePatterns, source, (raw) => raw.startsWith('$$') || raw.startsWith('\\[')),
};

/** Long runs of one sign, as models that have lost their way write them, are text: the lexer would try each sign anew. */
export const signRun: marked.TokenizerExtension = {
    name: 'signRun',
    level: 'inline',
    start: (source) => startOf(source, /([$[_*~`])\1{15}/),
    tokenizer: (source) => {
        const [raw] = /^([$[_*~`])\1{15,}/.exec(source) ?? [];
        return raw === undefined ? undefined : { type: 'text', raw, text: raw };
    },
};
