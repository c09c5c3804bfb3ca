import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { chatStore } from '../store/chatStore';
import { useStore } from '../store/createStore';
import { listStore, loadMore } from '../store/listStore';
import type { Conversation } from '../types/conversation';
import { groupByDate, type DateGroup } from '../utils/dates';
import type { TextKey } from '../utils/texts';
import { ConversationRow } from './ConversationRow';

const groupTexts: Partial<Record<DateGroup, TextKey>> = {
    pinned: 'groupPinned', today: 'groupToday', yesterday: 'groupYesterday', week: 'groupWeek', month: 'groupMonth',
};

/** All conversations by date, or those that hold what is searched for. */
export function ConversationList(): JSX.Element {
    const { t, language } = useTranslation();
    const { items, results, hasMore, search } = useStore(listStore, (state) => state);
    const activeId = useStore(chatStore, (state) => state.activeId);
    const now = useNow();
    const shown: readonly Conversation[] = results ?? items;
    const groups = useMemo(() => groupByDate(shown, now), [shown, now]);
    const title = (group: DateGroup): string => {
        const key = groupTexts[group];
        if (key) return t(key);
        const [year, month] = group.split('-').map(Number);
        return new Intl.DateTimeFormat(language, { year: 'numeric', month: 'long' }).format(new Date(year ?? 0, (month ?? 1) - 1));
    };
    return (
        <div className="conversation-list" data-testid="conversations">
            {shown.length === 0 && <p className="px-2 py-3 text-sm text-muted" role="status">
                {results ? t('noResults', { text: search.trim() }) : t('noConversations')}
            </p>}
            {groups.map(({ group, items: members }) => (
                <section key={group} aria-label={title(group)}>
                    <h2>{title(group)}</h2>
                    <ul>
                        {members.map((item) => <ConversationRow key={item.id} conversation={item} active={item.id === activeId} />)}
                    </ul>
                </section>
            ))}
            {hasMore && !results && <MoreButton />}
        </div>
    );
}

/** Loads older conversations when it comes into sight. */
function MoreButton(): JSX.Element {
    const { t } = useTranslation();
    const button = useRef<HTMLButtonElement>(null);
    useEffect(() => {
        const observer = new IntersectionObserver(([entry]) => {
            if (entry?.isIntersecting) void loadMore();
        });
        if (button.current) observer.observe(button.current);
        return () => observer.disconnect();
    }, []);
    return <button ref={button} type="button" className="row-button mt-2" onClick={() => void loadMore()}>{t('loadMore')}</button>;
}

/** The time, anew every ten minutes: at midnight today becomes yesterday. */
function useNow(): number {
    const [now, setNow] = useState(Date.now);
    useEffect(() => {
        const timer = window.setInterval(() => setNow(Date.now()), 600_000);
        return () => window.clearInterval(timer);
    }, []);
    return now;
}
