import { useEffect, useRef } from 'react';
import { Announcer } from '../components/Announcer';
import { Composer } from '../components/Composer';
import { ComposerHint } from '../components/ComposerHint';
import { Conversation } from '../components/Conversation';
import { Header } from '../components/Header';
import { ArrowDownIcon } from '../components/icons';
import { KeysDialog } from '../components/KeysDialog';
import { NoticeBar } from '../components/NoticeBar';
import { SettingsDialog } from '../components/SettingsDialog';
import { Sidebar } from '../components/Sidebar';
import { narrowQuery, useMediaQuery } from '../hooks/useMediaQuery';
import { messageBoxId, useShortcuts } from '../hooks/useShortcuts';
import { useStickToBottom } from '../hooks/useStickToBottom';
import { useTranslation } from '../hooks/useTranslation';
import { useActive } from '../store/chatStore';
import { useStore } from '../store/createStore';
import { interfaceStore } from '../store/interfaceStore';

/** The list of conversations, and one of them. */
export function ChatView(): JSX.Element {
    const { t } = useTranslation();
    const running = useActive(({ messages }) => messages.some(({ state }) => state === 'streaming'));
    const count = useActive(({ messages }) => messages.length);
    const { dialog, drawerOpen } = useStore(interfaceStore, (state) => state);
    const { viewport, content, following, jumpToLatest } = useStickToBottom();
    const column = useRef<HTMLDivElement>(null);
    const narrow = useMediaQuery(narrowQuery);
    useShortcuts();
    useEffect(() => {
        // React 18 does not know this attribute.
        column.current?.toggleAttribute('inert', narrow && drawerOpen);
    }, [narrow, drawerOpen]);
    return (
        <div className="app">
            <a href={`#${messageBoxId}`} className="skip-link">{t('skipToInput')}</a>
            <Sidebar />
            <div ref={column} className="main-column">
                <Header />
                <main className="relative flex min-h-0 flex-1 flex-col">
                    <Conversation viewport={viewport} content={content} jumpToLatest={jumpToLatest} />
                    <div className="composer-area">
                        {!following && count > 0 && (
                            <button type="button" className="jump-button" onClick={jumpToLatest}>
                                <ArrowDownIcon size={16} />{t('jumpToLatest')}
                            </button>
                        )}
                        <Composer running={running} onSend={jumpToLatest} />
                        <ComposerHint />
                    </div>
                </main>
            </div>
            {dialog === 'settings' && <SettingsDialog />}
            {dialog === 'keys' && <KeysDialog />}
            <NoticeBar />
            <Announcer />
        </div>
    );
}
