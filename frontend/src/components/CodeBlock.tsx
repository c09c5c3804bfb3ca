import { useTranslation } from '../hooks/useTranslation';
import { CopyButton } from './CopyButton';

interface CodeBlockProps {
    readonly code: string;
    /** What stands behind the opening fence, as the model wrote it; its first word is shown. */
    readonly language: string;
}

export function CodeBlock({ code, language }: CodeBlockProps): JSX.Element {
    const { t } = useTranslation();
    const name = (language.trim().split(/\s+/)[0] ?? '').slice(0, 30);
    return (
        <div className="code-block">
            <div className="code-head">
                <span>{name}</span>
                <CopyButton text={code} label={t('copyCode')} />
            </div>
            <pre tabIndex={0}><code>{code}</code></pre>
        </div>
    );
}
