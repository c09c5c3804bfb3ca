import { useCopy } from '../hooks/useCopy';
import { useTranslation } from '../hooks/useTranslation';
import { CheckIcon, CopyIcon } from './icons';

interface CopyButtonProps {
    readonly text: string;
    readonly label: string;
    /** Without words beside the icon. */
    readonly iconOnly?: boolean;
}

/** A quiet button that copies a text and says so for a moment, also to screen readers. */
export function CopyButton({ text, label, iconOnly = false }: CopyButtonProps): JSX.Element {
    const { t } = useTranslation();
    const { state, copy } = useCopy(text);
    const notice = { idle: t('copy'), copied: t('copied'), failed: t('copyFailed') }[state];
    const name = state === 'idle' ? label : notice;
    return (
        <button type="button" className={iconOnly ? 'icon-button small' : 'quiet-button'} onClick={copy} aria-label={name} title={name}
            data-action="copy" data-state={state}>
            {state === 'copied' ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
            <span aria-live="polite" className={iconOnly ? 'sr-only' : undefined}>{notice}</span>
        </button>
    );
}
