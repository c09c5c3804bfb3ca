import { narrowQuery, useMediaQuery } from '../hooks/useMediaQuery';
import { startNewConversation, toggleSidebar } from '../hooks/useShortcuts';
import { useTranslation } from '../hooks/useTranslation';
import { useActive } from '../store/chatStore';
import { useStore } from '../store/createStore';
import { openDialog } from '../store/interfaceStore';
import { preferencesStore } from '../store/preferencesStore';
import { IconButton } from './IconButton';
import { NewConversationIcon, SettingsIcon, SidebarIcon } from './icons';
import { ModelStatus } from './ModelStatus';

export function Header(): JSX.Element {
    const { t } = useTranslation();
    const narrow = useMediaQuery(narrowQuery);
    const sidebarOpen = useStore(preferencesStore, (state) => state.sidebarOpen);
    const title = useActive(({ conversation }) => conversation.title);
    const isNew = useActive(({ state }) => state === 'new');
    const hidden = narrow || !sidebarOpen;
    return (
        <header className="header">
            {hidden && <IconButton label={t('showSidebar')} data-action="sidebar"
                onClick={() => toggleSidebar(true)}><SidebarIcon /></IconButton>}
            {hidden && <IconButton label={t('newConversation')} data-action="new"
                onClick={startNewConversation}><NewConversationIcon /></IconButton>}
            <h1 className="title" title={title}>{isNew ? <span className="sr-only">{t('appName')}</span> : title || t('untitled')}</h1>
            <ModelStatus />
            <IconButton label={t('settings')} data-action="settings" onClick={() => openDialog('settings')}><SettingsIcon /></IconButton>
        </header>
    );
}
