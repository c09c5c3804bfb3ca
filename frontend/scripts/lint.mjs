// `npm run lint`: the strict type check, and the rules of this code that a compiler doesn't know.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { checkTypes } from './build.mjs';
import { BuildError, root } from './toolchain.mjs';

const rules = [
    { pattern: /^.{141,}$/, text: 'a line is longer than 140 columns' },
    { pattern: /[ \t]+$/, text: 'spaces at the end of a line' },
    { pattern: /^ *\t/, text: 'a tab as indentation' },
    { pattern: /\bhttps?:\/\//, text: 'an address of another host (the page asks none but its own)', files: /^src\// },
    { pattern: /\bstyle=/, text: 'an inline style (the Content-Security-Policy forbids it)', files: /^src\// },
    { pattern: /dangerouslySetInnerHTML|\.(inner|outer)HTML|insertAdjacentHTML/, text: 'HTML made from text', files: /^src\// },
    { pattern: /\beval\(|new Function\(|document\.write/, text: 'code made from text', files: /^src\// },
    { pattern: /\bconsole\.|\bdebugger\b/, text: 'a trace of debugging', files: /^src\// },
    { pattern: /: any\b|\bas any\b|@ts-(?:ignore|nocheck)|eslint-disable/, text: 'a way around the type check', files: /^src\// },
    { pattern: /(local|session)Storage/, text: 'storage used without utils/storage.ts', files: /^src\//, except: /utils\/storage/ },
];

function* sources(folder) {
    for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        if (statSync(path).isDirectory()) yield* sources(path);
        else if (/\.(tsx?|mjs|css|html|json)$/.test(name)) yield path;
    }
}

let findings = 0;
for (const path of [...sources(join(root, 'src')), ...sources(join(root, 'scripts')), join(root, 'index.html')]) {
    const name = relative(root, path);
    const isCommentLine = (line) => /^\s*(\/\/|\*|\/\*)/.test(line);
    readFileSync(path, 'utf8').split('\n').forEach((line, index) => {
        for (const { pattern, text, files, except } of rules) {
            if ((files && !files.test(name)) || except?.test(name) || !pattern.test(line)) continue;
            if (files && isCommentLine(line)) continue;
            findings += 1;
            console.error(`${name}:${index + 1}: ${text}`);
        }
    });
}
try {
    checkTypes();
} catch (error) {
    if (!(error instanceof BuildError)) throw error;
    findings += 1;
}
if (findings > 0) process.exit(1);
console.log('No findings.');
