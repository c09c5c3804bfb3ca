import { useEffect, useRef } from 'react';
import { narrowQuery, useMediaQuery } from '../hooks/useMediaQuery';
import { searchBoxId, startNewConversation, toggleSidebar } from '../hooks/useShortcuts';
import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { interfaceStore, openDialog, setDrawer } from '../store/interfaceStore';
import { listStore, setSearch } from '../store/listStore';
import { preferencesStore } from '../store/preferencesStore';
import { serverStore } from '../store/serverStore';
import { ConversationList } from './ConversationList';
import { IconButton } from './IconButton';
import { CloseIcon, NewConversationIcon, SearchIcon, SettingsIcon, SidebarIcon, StarIcon } from './icons';

/** The list of conversations: beside the conversation on wide screens, over it on narrow ones. */
export function Sidebar(): JSX.Element | null {
    const { t } = useTranslation();
    const narrow = useMediaQuery(narrowQuery);
    const open = useStore(preferencesStore, ({ sidebarOpen }) => sidebarOpen);
    const drawerOpen = useStore(interfaceStore, (state) => state.drawerOpen);
    const place = useStore(listStore, (state) => state.place);
    const needsKey = useStore(serverStore, (server) => server.needsKey);
    const drawer = useRef<HTMLElement>(null);
    useEffect(() => {
        if (!narrow || !drawerOpen) return undefined;
        const before = document.activeElement;
        drawer.current?.querySelector('button')?.focus();
        const onKey = (event: KeyboardEvent): void => {
            if (event.key === 'Escape' && !event.defaultPrevented) setDrawer(false);
        };
        document.addEventListener('keydown', onKey);
        return () => {
            document.removeEventListener('keydown', onKey);
            if (before instanceof HTMLElement) before.focus();
        };
    }, [narrow, drawerOpen]);
    if (!(narrow ? drawerOpen : open)) return null;
    const note = place === 'browser' ? t('keptInBrowser') : place === 'copies' ? t(needsKey ? 'lockedList' : 'offlineList')
        : undefined;
    return (
        <>
            {narrow && <div className="backdrop" onClick={() => setDrawer(false)} aria-hidden="true" />}
            <nav ref={drawer} className="sidebar" data-narrow={narrow} aria-label={t('conversations')} id="sidebar">
                <div className="flex h-14 shrink-0 items-center gap-2 pr-3 pl-4">
                    <StarIcon size={22} />
                    <span className="flex-1 text-[0.9375rem] font-semibold tracking-tight">{t('appName')}</span>
                    <IconButton label={t('hideSidebar')} data-action="hide" onClick={() => toggleSidebar(false)}>
                        {narrow ? <CloseIcon /> : <SidebarIcon />}
                    </IconButton>
                </div>
                <div className="flex flex-col gap-2 px-3">
                    <button type="button" className="new-button" data-action="new" onClick={startNewConversation}>
                        <NewConversationIcon size={17} />{t('newConversation')}
                    </button>
                    <SearchBox />
                </div>
                <ConversationList />
                <div className="sidebar-foot">
                    {note !== undefined && <p className="px-2 pb-1.5 text-xs text-muted">{note}</p>}
                    <button type="button" className="row-button" onClick={() => openDialog('settings')}>
                        <SettingsIcon size={17} />{t('settings')}
                    </button>
                </div>
            </nav>
        </>
    );
}

function SearchBox(): JSX.Element {
    const { t } = useTranslation();
    const search = useStore(listStore, (state) => state.search);
    return (
        <div className="search-box" role="search">
            <SearchIcon size={16} />
            <input id={searchBoxId} type="text" inputMode="search" enterKeyHint="search" autoComplete="off" value={search}
                placeholder={t('search')} aria-label={t('searchPlaceholder')} onChange={(event) => setSearch(event.target.value)}
                onKeyDown={(event) => {
                    if (event.key !== 'Escape' || search === '') return;
                    event.preventDefault();
                    setSearch('');
                }} />
            {search !== '' && <IconButton className="icon-button small" label={t('clearSearch')} onClick={() => setSearch('')}>
                <CloseIcon size={14} />
            </IconButton>}
        </div>
    );
}
