import { useTranslation } from '../hooks/useTranslation';
import { shownPath, useActive } from '../store/chatStore';
import { splitReasoning } from '../utils/reasoning';

const longestAnnouncement = 600;

/** Tells screen readers that a reply has begun, and reads the finished one, instead of every piece as it streams. */
export function Announcer(): JSX.Element {
    const { t } = useTranslation();
    const text = useActive((open) => {
        const path = shownPath(open);
        const last = path[path.length - 1];
        if (last?.role !== 'assistant') return '';
        switch (last.state) {
            case 'streaming': return t('thinking');
            case 'complete': return `${t('replyFinished')} ${splitReasoning(last.content).answer.slice(0, longestAnnouncement)}`;
            case 'cancelled': return t('stopped');
            default: return '';
        }
    });
    return <div role="status" aria-live="polite" className="sr-only" data-testid="announcer">{text}</div>;
}
