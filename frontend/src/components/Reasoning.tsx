import { useState } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { BulbIcon, ChevronDownIcon } from './icons';
import { Markdown } from './Markdown';

interface ReasoningProps {
    readonly text: string;
    /** The model is still thinking. */
    readonly growing: boolean;
}

/** What a model thought before it answered: folded, and rendered only when it is looked at. */
export function Reasoning({ text, growing }: ReasoningProps): JSX.Element | null {
    const { t } = useTranslation();
    const [open, setOpen] = useState(false);
    if (!growing && text.trim() === '') return null;
    return (
        <div className="reasoning" data-growing={growing}>
            <button type="button" className="reasoning-head" aria-expanded={open} onClick={() => setOpen(!open)}>
                <BulbIcon size={16} />
                <span>{growing ? t('reasoningOpen') : t('reasoningDone')}</span>
                <ChevronDownIcon size={16} />
            </button>
            {open && <div className="reasoning-text"><Markdown source={text} growing={growing} /></div>}
        </div>
    );
}
