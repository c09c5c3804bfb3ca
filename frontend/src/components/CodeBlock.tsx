import { memo, useMemo, useRef } from 'react';
import { useHighlighter } from '../hooks/useChunk';
import { useTranslation } from '../hooks/useTranslation';
import type { CodeNode } from '../utils/highlighted';
import { CodeStream, type CodePart } from '../utils/codeStream';
import { CopyButton } from './CopyButton';

interface CodeBlockProps {
    readonly code: string;
    /** What stands behind the opening fence, as the model wrote it; its first word is shown. */
    readonly language: string;
}

/** Code with its language and a button to copy it. Parts that no longer change are neither coloured nor rendered again. */
export function CodeBlock({ code, language }: CodeBlockProps): JSX.Element {
    const { t } = useTranslation();
    const name = (language.trim().split(/[\s{]+/)[0] ?? '').slice(0, 30);
    const highlighter = useHighlighter(name !== '');
    const stream = useRef<CodeStream>();
    const parts = useMemo(() => {
        const colouring = highlighter?.knowsLanguage(name.toLowerCase()) ? highlighter : undefined;
        if (stream.current?.language !== name || stream.current.highlighter !== colouring) stream.current = new CodeStream(name, colouring);
        return stream.current.update(code);
    }, [code, name, highlighter]);
    return (
        <div className="code-block">
            <div className="code-head">
                <span>{name}</span>
                <CopyButton text={code} label={t('copyCode')} />
            </div>
            <pre tabIndex={0} aria-label={name || t('code')} role="group">
                <code>{parts.map((part, index) => <Part key={index} part={part} />)}</code>
            </pre>
        </div>
    );
}

const Part = memo(function Part({ part }: { readonly part: CodePart }): JSX.Element {
    return <span>{part.nodes.map(codeNode)}</span>;
});

function codeNode(node: CodeNode, index: number): JSX.Element | string {
    return typeof node === 'string' ? node : <span key={index} className={node.className}>{node.children.map(codeNode)}</span>;
}
