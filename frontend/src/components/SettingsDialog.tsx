import { useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { exportAll, importFiles } from '../store/actions';
import { useStore } from '../store/createStore';
import { openDialog } from '../store/interfaceStore';
import {
    preferencesStore, setAPIKey, setFontSize, setLanguage, setStreaming, setTheme,
} from '../store/preferencesStore';
import { refreshList } from '../store/listStore';
import { serverStore } from '../store/serverStore';
import { fontSizes, languages, themes, type FontSize, type Theme } from '../utils/preferences';
import { languageNames, type TextKey } from '../utils/texts';
import { ChatSettings } from './ChatSettings';
import { Choice } from './Choice';
import { Dialog } from './Dialog';
import { DownloadIcon, MoonIcon, ScreenIcon, SunIcon, UploadIcon } from './icons';

const tabs = ['chat', 'page', 'server', 'data'] as const;
type Tab = (typeof tabs)[number];
const tabTexts: Record<Tab, TextKey> = { chat: 'settingsChat', page: 'settingsPage', server: 'settingsServer', data: 'settingsData' };
const panels: Record<Tab, () => JSX.Element> = { chat: ChatSettings, page: PageSettings, server: ServerSettings, data: DataSettings };

export function SettingsDialog(): JSX.Element {
    const { t } = useTranslation();
    const needsKey = useStore(serverStore, (state) => state.needsKey);
    const [tab, setTab] = useState<Tab>(needsKey ? 'server' : 'chat');
    const Panel = panels[tab];
    const onKeyDown = (event: KeyboardEvent): void => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step === undefined) return;
        const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length] ?? tab;
        setTab(next);
        document.getElementById(`tab-${next}`)?.focus();
    };
    return (
        <Dialog title={t('settings')} onClose={() => openDialog(undefined)} wide>
            <div role="tablist" className="tabs" aria-label={t('settings')} onKeyDown={onKeyDown}>
                {tabs.map((each) => (
                    <button key={each} type="button" role="tab" id={`tab-${each}`} aria-selected={each === tab}
                        aria-controls="settings-panel"
                        tabIndex={each === tab ? 0 : -1} onClick={() => setTab(each)}>{t(tabTexts[each])}</button>
                ))}
            </div>
            <div role="tabpanel" id="settings-panel" className="settings-panel" aria-labelledby={`tab-${tab}`}><Panel /></div>
        </Dialog>
    );
}

const themeTexts: Record<Theme, TextKey> = { light: 'themeLight', dark: 'themeDark', system: 'themeSystem' };
const themeIcons: Record<Theme, JSX.Element> = { light: <SunIcon size={16} />, dark: <MoonIcon size={16} />,
    system: <ScreenIcon size={16} /> };
const fontTexts: Record<FontSize, TextKey> = { small: 'fontSmall', medium: 'fontMedium', large: 'fontLarge' };

function PageSettings(): JSX.Element {
    const { t, language } = useTranslation();
    const { theme, fontSize, streaming } = useStore(preferencesStore, (state) => state);
    return (
        <>
            <Choice name="theme" legend={t('theme')} value={theme} onChange={setTheme}
                options={themes.map((value) => ({ value, text: t(themeTexts[value]), icon: themeIcons[value] }))} />
            <Choice name="language" legend={t('language')} value={language} onChange={setLanguage}
                options={languages.map((value) => ({ value, text: languageNames[value] }))} />
            <Choice name="fontSize" legend={t('fontSize')} value={fontSize} onChange={setFontSize}
                options={fontSizes.map((value) => ({ value, text: t(fontTexts[value]) }))} />
            <label className="check">
                <input type="checkbox" role="switch" name="streaming" checked={streaming}
                    onChange={(event) => setStreaming(event.target.checked)} />
                <span>{t('streaming')}</span>
            </label>
        </>
    );
}

function ServerSettings(): JSX.Element {
    const { t } = useTranslation();
    const stored = useStore(preferencesStore, (state) => state.apiKey);
    const needsKey = useStore(serverStore, (state) => state.needsKey);
    const [key, setKey] = useState(stored);
    const keep = (): void => {
        setAPIKey(key.trim());
        void refreshList();
    };
    return (
        <form className="flex flex-col gap-2" onSubmit={(event) => {
            event.preventDefault();
            keep();
            openDialog(undefined);
        }}>
            {needsKey && <p className="text-sm">{t('keyNeeded')}</p>}
            <label className="field-label" htmlFor="api-key">{t('apiKey')}</label>
            <div className="flex gap-2">
                <input id="api-key" className="field flex-1" type="password" autoComplete="off" spellCheck={false} value={key}
                    aria-describedby="api-key-hint" onChange={(event) => setKey(event.target.value)} onBlur={keep} />
                <button type="submit" className="primary-button">{t('save')}</button>
            </div>
            <p id="api-key-hint" className="field-hint">{t('apiKeyHint')}</p>
        </form>
    );
}

function DataSettings(): JSX.Element {
    const { t } = useTranslation();
    const chooser = useRef<HTMLInputElement>(null);
    return (
        <div className="flex flex-col items-start gap-3">
            <button type="button" className="retry-button" onClick={() => void exportAll()}>
                <DownloadIcon size={16} />{t('exportAll')}
            </button>
            <button type="button" className="retry-button" onClick={() => chooser.current?.click()}>
                <UploadIcon size={16} />{t('importFile')}
            </button>
            <input ref={chooser} type="file" name="import" accept=".json,.md,application/json,text/markdown" multiple hidden
                aria-hidden="true" tabIndex={-1} onChange={(event) => {
                    void importFiles([...event.target.files ?? []]);
                    event.target.value = '';
                }} />
            <p className="field-hint">{t('importHint')}</p>
        </div>
    );
}
