import hljs, { type Mode } from 'highlight.js/lib/highlight';
import bash from 'highlight.js/lib/languages/bash';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/cs';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import haskell from 'highlight.js/lib/languages/haskell';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import latex from 'highlight.js/lib/languages/tex';
import lua from 'highlight.js/lib/languages/lua';
import makefile from 'highlight.js/lib/languages/makefile';
import markdown from 'highlight.js/lib/languages/markdown';
import perl from 'highlight.js/lib/languages/perl';
import php from 'highlight.js/lib/languages/php';
import powershell from 'highlight.js/lib/languages/powershell';
import python from 'highlight.js/lib/languages/python';
import r from 'highlight.js/lib/languages/r';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import scala from 'highlight.js/lib/languages/scala';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import { parseHighlighted, type CodeNode } from '../utils/highlighted';

// Loaded on demand, as a file of its own, when the first code block with a language is shown.
const definitions: Readonly<Record<string, unknown>> = {
    bash, cpp, cs: csharp, css, diff, dockerfile, go, haskell, ini, java, javascript, json, kotlin, lua, makefile, markdown, perl, php,
    powershell, python, r, ruby, rust, scala, sql, swift, tex: latex, typescript, xml, yaml,
};
for (const [name, definition] of Object.entries(definitions)) hljs.registerLanguage(name, definition);

export type { Mode };

export interface HighlightedCode {
    readonly nodes: readonly CodeNode[];
    /** With which the code that follows is to be highlighted. */
    readonly end: Mode | undefined;
}

export function knowsLanguage(name: string): boolean {
    return hljs.getLanguage(name) !== undefined;
}

/** Highlights a piece of code that follows on the state `start`. */
export function highlightCode(language: string, code: string, start: Mode | undefined): HighlightedCode {
    try {
        const { value, top } = hljs.highlight(language, code, true, start);
        return { nodes: parseHighlighted(value), end: top };
    } catch {
        return { nodes: [code], end: undefined };
    }
}
