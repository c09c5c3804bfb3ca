/** What is used of highlight.js 9, whose package holds no types. */
declare module 'highlight.js/lib/highlight' {
    /** State at the end of a piece of code, with which the next piece begins. */
    export interface Mode {
        readonly parent?: Mode;
    }

    interface Result {
        /** HTML of nothing but `<span class="…">`, `</span>` and escaped text. */
        readonly value: string;
        readonly top: Mode;
    }

    const hljs: {
        registerLanguage(name: string, definition: unknown): void;
        getLanguage(name: string): unknown;
        highlight(name: string, code: string, ignoreIllegals: boolean, continuation?: Mode): Result;
    };
    export default hljs;
}

declare module 'highlight.js/lib/languages/*' {
    const definition: unknown;
    export default definition;
}

/** What is used of KaTeX. */
declare module 'katex' {
    interface Options {
        readonly displayMode: boolean;
        readonly throwOnError: boolean;
        readonly trust: boolean;
        readonly maxSize: number;
        readonly maxExpand: number;
        readonly strict: 'ignore';
    }

    const katex: { render(source: string, element: HTMLElement, options: Options): void };
    export default katex;
}
