import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { chatStore } from '../store/chatStore';

const longestAnnouncement = 600;

/** Tells screen readers that a reply has begun, and reads the finished one, instead of every piece as it streams. */
export function Announcer(): JSX.Element {
    const { t } = useTranslation();
    const text = useStore(chatStore, ({ messages }) => {
        const last = messages[messages.length - 1];
        if (last?.role !== 'assistant') return '';
        if (last.status === 'waiting' || last.status === 'streaming') return t('thinking');
        if (last.status === 'done') return `${t('replyFinished')} ${last.content.slice(0, longestAnnouncement)}`;
        return last.status === 'stopped' ? t('stopped') : '';
    });
    return <div role="status" aria-live="polite" className="sr-only" data-testid="announcer">{text}</div>;
}
