import { useCopy } from '../hooks/useCopy';
import { useTranslation } from '../hooks/useTranslation';
import { CheckIcon, CopyIcon } from './icons';

interface CopyButtonProps {
    readonly text: string;
    readonly label: string;
}

/** A quiet button that copies a text and says so for a moment, also to screen readers. */
export function CopyButton({ text, label }: CopyButtonProps): JSX.Element {
    const { t } = useTranslation();
    const { state, copy } = useCopy(text);
    const notice = { idle: t('copy'), copied: t('copied'), failed: t('copyFailed') }[state];
    return (
        <button type="button" className="quiet-button" onClick={copy} aria-label={state === 'idle' ? label : notice}>
            {state === 'copied' ? <CheckIcon size={15} /> : <CopyIcon size={15} />}
            <span aria-live="polite">{notice}</span>
        </button>
    );
}
